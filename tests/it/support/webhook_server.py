"""Webhooks of Slack, Microsoft Teams and others on loopback, which refuse what the real ones refuse.

Usage: webhook_server.py DIRECTORY

The path decides: `/slack/…`, `/teams/…` or `/webhook/…`, and its last part goes wrong where it is told to:

    …/busy      429 with Retry-After for the first message      …/gone      410
    …/silent    the message is kept and the connection cut      …/moved     302 to …/target
    …/echo      404 with the path in the body

The directory gets `ca.pem`, `events` with a line `PATH STATUS` for each message, and for each message that was taken
`NUMBER.json` with its path and content. The port is printed when all is ready; it ends with its standard input.
"""

import http.server
import json
import pathlib
import sys
import threading

from certificates import certify

directory = pathlib.Path(sys.argv[1])
lock = threading.Lock()
taken = 0
busy = set()


class Refused(Exception):
    pass


def need(condition, status, word):
    if not condition:
        raise Refused(status, word)


def only(value, allowed):
    need(isinstance(value, dict) and set(value) <= set(allowed), 400, "invalid_blocks")


def slack_text(value, most, kinds):
    only(value, ["type", "text", "verbatim", "emoji"])
    need(value.get("type") in kinds, 400, "invalid_blocks")
    need("emoji" not in value or value["type"] == "plain_text", 400, "invalid_blocks")
    need("verbatim" not in value or value["type"] == "mrkdwn", 400, "invalid_blocks")
    text = value.get("text")
    need(isinstance(text, str) and 0 < len(text) <= most, 400, "invalid_blocks")


def slack(message):
    need(isinstance(message, dict), 400, "invalid_payload")
    need(isinstance(message.get("text"), str) and message["text"], 400, "no_text")
    blocks = message.get("blocks")
    need(set(message) <= {"text", "blocks"}, 400, "invalid_payload")
    need(isinstance(blocks, list) and 0 < len(blocks) <= 50, 400, "invalid_blocks")
    need(len(json.dumps(blocks, ensure_ascii=False)) < 13_200, 400, "msg_blocks_too_long")
    both = ["mrkdwn", "plain_text"]
    for block in blocks:
        kind = block.get("type")
        if kind == "header":
            only(block, ["type", "text"])
            slack_text(block.get("text"), 150, ["plain_text"])
        elif kind == "section":
            only(block, ["type", "text", "fields"])
            need("text" in block or "fields" in block, 400, "invalid_blocks")
            if "text" in block:
                slack_text(block["text"], 3000, both)
            need(len(block.get("fields", [0])) in range(1, 11), 400, "invalid_blocks")
            for field in block.get("fields", []):
                slack_text(field, 2000, both)
        elif kind == "context":
            only(block, ["type", "elements"])
            need(len(block.get("elements", [])) in range(1, 11), 400, "invalid_blocks")
            for element in block["elements"]:
                slack_text(element, 3000, both)
        else:
            raise Refused(400, "invalid_blocks")
    return 200, "ok"


def teams(message):
    need(isinstance(message, dict) and "@type" not in message, 400, "MessageCard")
    need(message.get("type") == "message", 400, "type")
    need(len(message.get("attachments", [])) == 1, 400, "attachments")
    attachment = message["attachments"][0]
    adaptive = "application/vnd.microsoft.card.adaptive"
    need(attachment.get("contentType") == adaptive, 400, "contentType")
    card = attachment.get("content", {})
    need(card.get("type") == "AdaptiveCard" and card.get("version") in ["1.2", "1.3", "1.4", "1.5"], 400, "card")
    need(card.get("body"), 400, "body")
    for element in card["body"]:
        kind = element.get("type")
        if kind == "RichTextBlock":
            need(set(element) <= {"type", "inlines", "separator"} and element["inlines"], 400, kind)
            for run in element["inlines"]:
                need(run.get("type") == "TextRun" and run.get("text"), 400, "TextRun")
                need(set(run) <= {"type", "text", "weight", "size", "isSubtle"}, 400, "TextRun")
        elif kind == "FactSet":
            need(element["facts"] and all(set(fact) == {"title", "value"} for fact in element["facts"]), 400, kind)
        else:
            raise Refused(400, str(kind))
    return 202, ""


def webhook(message):
    need(message.get("message_version") == 1 and message.get("text"), 400, "message_version")
    return 204, ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, text, headers=()):
        with lock, open(directory / "events", "a") as events:
            events.write(f"{self.path} {status}\n")
        body = text.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def keep(self, message):
        global taken
        with lock:
            taken += 1
            content = json.dumps({"path": self.path, "message": message})
            (directory / f"{taken}.json").write_text(content)

    def do_GET(self):
        self.answer(405, "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _, kind, *_, last = self.path.split("/")
        if last == "busy" and self.path not in busy:
            busy.add(self.path)
            return self.answer(429, "", [("Retry-After", "1")])
        if last == "gone":
            return self.answer(410, "channel_is_archived")
        if last == "moved":
            target = self.path.replace("moved", "target")
            return self.answer(302, "", [("Location", target)])
        if last == "echo":
            return self.answer(404, f"no webhook {self.path}")
        try:
            content_type = self.headers.get("Content-Type", "")
            need(content_type.startswith("application/json"), 400, "invalid_payload")
            need(kind != "teams" or len(body) <= 28 * 1024, 413, "")
            message = json.loads(body)
            status, text = {"slack": slack, "teams": teams, "webhook": webhook}[kind](message)
        except Refused as refused:
            return self.answer(*refused.args)
        except ValueError:
            return self.answer(400, "invalid_payload")
        self.keep(message)
        if last == "silent":
            self.close_connection = True
            return None
        return self.answer(status, text)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = certify(directory).wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
