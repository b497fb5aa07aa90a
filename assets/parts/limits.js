// limits: how many characters a text may have, as the server counts them; a test holds them against its own.
// Must not know which field has which.

export const LINE = 500;
export const LABEL = 40;
export const TAG = 64;
export const WEBHOOK_URL = 2048;
