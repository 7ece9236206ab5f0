"""署名付き送信: where a request may go, what proves it, and what it takes from a bad receiver."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from receiver import receiving, signed_with

from payments.domain.errors import ConfigurationError
from web.config import Settings, load_settings
from web.events.addresses import Reach, UnreachableError, find_place, is_permitted
from web.events.signature import key_of, new_secret
from web.events.transport import Lines, post_signed

AT = dt.datetime(2026, 6, 20, 1, 0, tzinfo=dt.UTC)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
HERE = Reach(frozenset({"127.0.0.1", "hooks.example.jp"}), LOOPBACK, plain_http=True)
BODY = json.dumps({"type": "slip.paid"}).encode()


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


def post(url, reach=HERE, **more):
    return post_signed(reach, url, [SECRET], BODY, message_id="evt_1_a", at=AT, **more)


SECRET = new_secret()


def test_the_signature_holds_for_every_secret_in_force(receiver):
    old = new_secret()
    answer = post_signed(HERE, receiver.url, [SECRET, old], BODY, message_id="evt_1_a", at=AT)
    assert (answer.reason, answer.status) == ("delivered", 200)
    heard = receiver.heard[0]
    assert signed_with(heard, SECRET)
    assert signed_with(heard, old)
    assert not signed_with(heard, new_secret())
    assert heard.headers["webhook-timestamp"] == str(int(AT.timestamp()))
    assert heard.headers["content-type"] == "application/json; charset=utf-8"
    heard.body += b" "
    assert not signed_with(heard, SECRET)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(204, "delivered"), (404, "refused"), (500, "refused"), (503, "refused"), (410, "refused")],
)
def test_only_a_success_is_one(receiver, status, reason):
    receiver.answers = [status]
    answer = post(receiver.url)
    assert (answer.reason, answer.status) == (reason, status)


def test_no_redirect_is_followed(receiver):
    def away(handler):
        handler.send_response(307)
        handler.send_header("Location", receiver.url + "/elsewhere")
        handler.end_headers()

    receiver.answers = [away]
    assert post(receiver.url)[:2] == ("redirected", 307)
    assert len(receiver.heard) == 1


def test_a_receiver_that_says_nothing_is_left_after_the_deadline(receiver):
    receiver.answers = [receiver.hang]
    answer = post(receiver.url, seconds=0.2)
    assert answer[:2] == ("timeout", None)
    assert answer.duration_ms < 60_000


def test_a_receiver_that_drips_is_left_after_the_deadline(receiver):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not receiver.over.wait(0.02):
            handler.wfile.write(b"X-More: 1\r\n")

    receiver.answers = [drip]
    answer = post(receiver.url, seconds=0.3)
    assert not answer.was_heard
    assert answer.duration_ms < 60_000


def test_of_a_huge_answer_only_a_little_is_read(receiver):
    written = []

    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(2_000):
            handler.wfile.write(b"x" * 65_536)
            written.append(1)

    receiver.answers = [flood]
    assert post(receiver.url)[:2] == ("delivered", 200)
    receiver.over.wait(0.2)
    assert len(written) < 1_000


def test_what_is_no_http_is_a_broken_connection(receiver):
    receiver.answers = [lambda handler: handler.wfile.write(b"\x00\x01\x02\r\n")]
    assert post(receiver.url)[:2] == ("connection", None)


def test_nobody_at_home_is_a_broken_connection():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        assert post(url)[:2] == ("connection", None)


@pytest.fixture
def lines():
    with contextlib.closing(Lines()) as found:
        yield found


def test_a_line_stays_open_for_what_follows(receiver, lines):
    receiver.answers = [200, 404, 200]
    assert [post(receiver.url, lines=lines).status for _time in range(4)] == [200, 404, 200, 200]
    assert (len(receiver.heard), receiver.connections) == (4, 1)
    assert post(receiver.url).status == 200
    assert receiver.connections == 2


def test_a_line_that_was_hung_up_is_opened_anew(receiver, lines):
    """The receiver says that it stays, and goes."""

    def and_go(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    receiver.answers = [and_go]
    assert [post(receiver.url, lines=lines).status for _time in range(3)] == [200] * 3
    assert (len(receiver.heard), receiver.connections) == (3, 3)


def test_what_was_not_read_to_its_end_is_not_used_again(receiver, lines):
    def much(handler):
        with contextlib.suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            handler.wfile.write(b"x" * 100_000)

    receiver.answers = [much, 204]
    assert [post(receiver.url, lines=lines).status for _time in range(2)] == [200, 204]
    assert receiver.connections == 2


def test_a_line_that_falls_silent_is_left_after_the_deadline(receiver, lines):
    receiver.answers = [200, receiver.hang, 200]
    assert post(receiver.url, lines=lines).status == 200
    assert post(receiver.url, lines=lines, seconds=2)[:2] == ("timeout", None)
    assert post(receiver.url, lines=lines).status == 200
    assert receiver.connections == 2


PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_for_the_public_are_refused(address):
    assert not is_permitted(Reach(), ipaddress.ip_address(address))
    shown = f"[{address}]" if ":" in address else address
    listed = Reach(frozenset({address}))
    answer = post(f"https://{shown}/", listed)
    assert (answer.reason, answer.status) == ("private_address", None)


@pytest.mark.parametrize("address", ["203.0.114.1", "8.8.8.8", "2400:4050::1"])
def test_public_addresses_are_allowed(address):
    assert is_permitted(Reach(), ipaddress.ip_address(address))


def test_a_network_of_ones_own_is_allowed_by_name_and_nothing_beside_it():
    reach = Reach(networks=(ipaddress.ip_network("10.1.0.0/16"),))
    assert is_permitted(reach, ipaddress.ip_address("10.1.9.9"))
    assert is_permitted(reach, ipaddress.ip_address("::ffff:10.1.9.9"))
    assert not is_permitted(reach, ipaddress.ip_address("10.2.0.1"))


def _resolves(monkeypatch, *addresses):
    asked = []

    def getaddrinfo(host, port, **_):
        asked.append(host)
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("addresses", [("10.0.0.5",), ("8.8.8.8", "127.0.0.1"), ("::1",)])
def test_a_name_with_any_private_address_is_refused(monkeypatch, addresses):
    _resolves(monkeypatch, *addresses)
    reach = Reach(frozenset({"hooks.example.jp"}))
    assert post("https://hooks.example.jp/", reach).reason == "private_address"


def test_a_name_is_resolved_once_and_the_connection_goes_there(monkeypatch, receiver):
    port = receiver.url.split(":")[2].split("/")[0]
    asked = []
    real = socket.getaddrinfo

    def getaddrinfo(host, *args, **more):
        if host == "hooks.example.jp":
            asked.append(host)
            # The second answer would lead into the town hall.
            address = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
            return [(2, 1, 6, "", (address, int(port)))]
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    answer = post(f"http://hooks.example.jp:{port}/hook?from=town")
    assert answer.reason == "delivered"
    assert asked == ["hooks.example.jp"]
    assert receiver.heard[0].headers["host"] == f"hooks.example.jp:{port}"
    assert receiver.heard[0].path == "/hook?from=town"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://elsewhere.example.jp/", "host_not_allowed"),
        ("https://hooks.example.jp.evil.example/", "host_not_allowed"),
        ("http://hooks.example.jp/", "https_required"),
        ("ftp://hooks.example.jp/", "url_form"),
        ("https://user:secret@hooks.example.jp/", "url_form"),
        ("https://hooks.example.jp/#part", "url_form"),
        ("https://hooks.example.jp/a\r\nX: 1", "url_form"),
        ("https://hooks.example.jp:99999/", "url_form"),
        ("https:///nowhere", "url_form"),
        ("https://[::1", "url_form"),
        ("https://hooks.example.jp/" + "x" * 600, "url_form"),
    ],
)
def test_what_may_not_be_called_is_not_even_resolved(monkeypatch, url, reason):
    asked = _resolves(monkeypatch, "8.8.8.8")
    assert post(url, Reach(frozenset({"hooks.example.jp"}))).reason == reason
    assert asked == []


def test_a_star_allows_what_stands_below_a_name(monkeypatch):
    _resolves(monkeypatch, "8.8.8.8")
    reach = Reach(frozenset({"*.example.jp"}))
    assert find_place(reach, "https://a.hooks.example.jp/x").host == "a.hooks.example.jp"
    for other in ("https://example.jp/", "https://notexample.jp/"):
        with pytest.raises(UnreachableError, match="host_not_allowed"):
            find_place(reach, other)


def test_a_name_that_nobody_knows(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert post("https://hooks.example.jp/", Reach(frozenset({"hooks.example.jp"}))).reason == (
        "name_unknown"
    )
    _resolves(monkeypatch)
    assert post("https://hooks.example.jp/", Reach(frozenset({"hooks.example.jp"}))).reason == (
        "name_unknown"
    )


def test_the_certificate_must_be_that_of_the_name(tmp_path):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*_certificate(tmp_path))
    with receiving(server) as receiver:
        assert post(receiver.url)[:2] == ("tls", None)
        known = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        with contextlib.closing(Lines(known)) as lines:
            assert [post(receiver.url, lines=lines)[:2] for _time in "ab"] == [
                ("delivered", 200)
            ] * 2
        assert receiver.connections == 1
    assert len(receiver.heard) == 2


def _certificate(folder):
    """A certificate of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_***", "short"])
def test_a_secret_that_is_none_is_refused(secret):
    with pytest.raises(ConfigurationError, match="webhook_secret"):
        key_of(secret)


def test_the_settings_say_what_may_be_reached(monkeypatch):
    monkeypatch.setenv("KOKIN_WEBHOOK_NETWORKS", "10.1.0.0/16, fd00::/8")
    found = Reach.of(Settings(webhook_hosts="Hooks.Example.jp., *.town.example"))
    assert found.hosts == {"hooks.example.jp", "*.town.example"}
    assert [str(network) for network in found.networks] == ["10.1.0.0/16", "fd00::/8"]
    assert not found.plain_http
    monkeypatch.setenv("KOKIN_WEBHOOK_NETWORKS", "town hall")
    with pytest.raises(ConfigurationError, match="KOKIN_WEBHOOK_NETWORKS"):
        load_settings()
