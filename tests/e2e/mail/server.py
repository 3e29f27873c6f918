"""A mail server that prints what it is sent, one JSON object per mail.

Usage: server.py CERT KEY WHEN MECHANISM
WHEN is `starttls` or `implicit`; MECHANISM is the only way to authenticate, which it demands.
It listens on a port that the kernel chooses, and prints it first.
"""

import asyncio
import hmac
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD, SECRET = b"me", b"pass word", b" key "
CERT, KEY, WHEN, MECHANISM = sys.argv[1:]


class Mailbox:
    async def auth_CRAM__MD5(self, server, args):
        challenge = b"<1.2@mail.test>"
        answer = await server.challenge_auth(challenge)
        proof = hmac.new(SECRET, challenge, "md5").hexdigest().encode()
        good = answer == USER + b" " + proof
        return AuthResult(success=good, handled=False, auth_data=(USER, None))

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "tls": server.transport.get_extra_info("cipher") is not None,
            "hello": session.host_name,
            "authenticated": session.authenticated,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "message": envelope.original_content.decode("ascii"),
        }
        print(json.dumps(mail), flush=True)
        return "250 taken"


def authenticated(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=good, handled=False, auth_data=data)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)
    implicit = WHEN == "implicit"
    if not implicit:
        # The other spelling, which is the only one that all clients know.
        SMTP.AuthLoginUsernameChallenge = "Username:"
        SMTP.AuthLoginPasswordChallenge = "Password:"
    others = {"PLAIN", "LOGIN", "CRAM-MD5"} - {MECHANISM}

    def serve():
        return SMTP(
            Mailbox(),
            hostname="mail.test",
            tls_context=None if implicit else context,
            require_starttls=not implicit,
            auth_required=True,
            # It does not see that all of the connection is secure.
            auth_require_tls=not implicit,
            auth_exclude_mechanism=others,
            authenticator=authenticated,
        )

    loop = asyncio.get_running_loop()
    listening = context if implicit else None
    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=listening)
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
