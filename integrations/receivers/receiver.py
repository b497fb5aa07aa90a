"""A receiver in Python that takes only what btk signed, by the official library of Standard Webhooks.

It must not know how a signature is made; that is the library's part. Start it with:
    WEBHOOK_SIGNING_SECRET=whsec_… python3 receiver.py
"""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ.get("WEBHOOK_SIGNING_SECRET", ""))
seen = set()


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine and 401 to all else."""

    def do_POST(self):
        # The signature covers the bytes: verify them as they came, not what parsing makes of them.
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            event = webhook.verify(body, dict(self.headers.items()))
        except (WebhookVerificationError, ValueError) as error:
            print(f"Refused: {error}", flush=True)
            self.answer(401, str(error))
            return
        # The same event may come again; it then has the same id.
        event_id = self.headers["webhook-id"]
        if event_id not in seen:
            seen.add(event_id)
            print(event["event"], event_id, event["task"]["title"], flush=True)
        self.answer(204, "")

    def answer(self, status, text):
        """Sends a status and, if there is one, a sentence."""
        body = text.encode()
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        """Nothing: what matters is printed above."""


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "5055"))), Receiver)
print(f"Listening http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
