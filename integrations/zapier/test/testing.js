// Tells Zapier's runner that this is a test: it then checks results as its own `zapier-platform test` does
// (ids, no id twice, lists where lists are due) and keeps quiet. `npm test` loads it before everything else.

process.env.NODE_ENV = 'test';
