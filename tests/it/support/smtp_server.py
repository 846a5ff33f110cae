"""A mail server on loopback that keeps what it gets, as files, and goes wrong where it is told to.

Usage: smtp_server.py DIRECTORY MODE [LIMIT]

MODE is `starttls` (required), `tls` (from the first byte) or `plain`; all but the last want a login. After LIMIT
mails over one connection it answers 421 and hangs up. Addresses decide what becomes of a mail:

    bounce@…  550 at RCPT             defer@…   451 at RCPT
    spam@…    554 after DATA          vanish@…  the connection is cut after DATA, and the mail is kept
    cut@…     the connection is cut after DATA, and the mail is not kept

While the directory has a file of one of these names, every client meets the fault:

    defer   451 at RCPT, for all addresses
    no-tls  454 at STARTTLS

The directory gets `ca.pem`, which the server's certificate is signed with; `events`, a line for each connection, login
and refusal; and for each mail `NUMBER.eml` and `NUMBER.json`. The port is printed when all is ready; it ends with its
standard input.
"""

import asyncio
import json
import pathlib
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from certificates import certify

# It thinks of those who have no loopback.
warnings.simplefilter("ignore")

USER, PASSWORD = b"costs@example.com", b"s3cret of the tests"

directory, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
limit = int(sys.argv[3]) if len(sys.argv) > 3 else None
mails = 0


def event(text):
    with open(directory / "events", "a") as events:
        events.write(text + "\n")


def authenticate(server, session, envelope, mechanism, data):
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
    event(f"login {mechanism} {'taken' if is_right else 'refused'}")
    # What is not handled is answered by the library.
    return AuthResult(success=is_right, handled=is_right, auth_data=data)


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if limit is not None and getattr(session, "mails", 0) >= limit:
            event("421")
            await server.push("421 4.7.0 too many mails over this connection")
            server.transport.close()
            # What is returned goes nowhere any more.
            return "421 closed"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("bounce@"):
            event("550")
            return "550 5.1.1 no such \x1b[31muser\x1b[0m here"
        if address.startswith("defer@") or (directory / "defer").exists():
            event("451")
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global mails
        first = envelope.rcpt_tos[0]
        if first.startswith("spam@"):
            event("554")
            return "554 5.7.1 we do not want this"
        if not first.startswith("cut@"):
            mails += 1
            session.mails = getattr(session, "mails", 0) + 1
            (directory / f"{mails}.eml").write_bytes(envelope.original_content)
            facts = {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "tls": session.ssl is not None or mode == "tls",
                "user": session.auth_data and session.auth_data.login.decode(),
            }
            (directory / f"{mails}.json").write_text(json.dumps(facts))
            event(f"mail {mails}")
        if first.startswith(("vanish@", "cut@")):
            event("cut")
            server.transport.abort()
            return "421 gone"
        return "250 2.0.0 queued"


class Server(SMTP):
    async def smtp_STARTTLS(self, arg):
        if (directory / "no-tls").exists():
            event("454")
            await self.push("454 4.7.0 TLS is not available just now")
            return
        await super().smtp_STARTTLS(arg)

    def connection_made(self, transport):
        # A connection that becomes private by STARTTLS is made a second time.
        if self.session is None or self.session.peer is None:
            event("connection")
        super().connection_made(transport)


async def main():
    context = certify(directory)
    needs_login = mode != "plain"

    def server():
        return Server(
            Handler(),
            hostname="localhost",
            data_size_limit=50_000_000,
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            authenticator=authenticate if needs_login else None,
            auth_required=needs_login,
            # With TLS from the first byte, the library does not know of it.
            auth_require_tls=mode == "starttls",
            auth_exclude_mechanism=[],
        )

    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        server, "127.0.0.1", 0, ssl=context if mode == "tls" else None
    )
    print(listener.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
