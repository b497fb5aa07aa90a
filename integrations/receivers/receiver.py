"""A receiver in Python that takes only what btk signed, by the official library of Standard Webhooks.

It must not know how a signature is made; that is the library's part. Start it with:
    WEBHOOK_SIGNING_SECRET=whsec_… python3 receiver.py
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

# More than the largest event: a task and the one before it, with all that may be in them.
MOST_BYTES = 4 * 1024 * 1024

secret = os.environ.get("WEBHOOK_SIGNING_SECRET")
if not secret:
    sys.exit("Set WEBHOOK_SIGNING_SECRET to the secret of the webhook, whsec_…")
webhook = Webhook(secret)
seen = set()


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, 401 to what is not signed, 400 to what cannot be read."""

    timeout = 30  # for who connects and says nothing

    def do_POST(self):
        try:
            self.take()
        except WebhookVerificationError as error:
            self.answer(401, str(error))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self.answer(400, f"It cannot be read: {error}")
        else:
            self.answer(204, "")

    def take(self):
        """Takes one request, or raises what is wrong with it."""
        length = int(self.headers.get("Content-Length", ""))
        if not 0 <= length <= MOST_BYTES:
            raise ValueError("the body is too large")
        # The signature covers the bytes: verify them as they came, not what parsing makes of them.
        event = webhook.verify(self.rfile.read(length), dict(self.headers.items()))
        # The same event may come again; it then has the same id.
        event_id = self.headers["webhook-id"]
        if event_id not in seen:
            print(event["event"], event_id, event["task"]["title"], flush=True)
            seen.add(event_id)

    def answer(self, status, text):
        """Sends a status and, if something is wrong, a sentence."""
        if text:
            print(f"Refused: {text}", flush=True)
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
