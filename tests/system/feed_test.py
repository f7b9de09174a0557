#!/usr/bin/python3
"""esshub-feed against servers of this test: what it asks, what it writes, how often, whom it believes."""
import http.server
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

FEED = os.environ["ESSHUB_FEED"]
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "feeds")


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Server:
    """Gives `answer(path)`: status, body and headers; keeps when what was asked."""

    def __init__(self, answer, certificate=None):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append((time.monotonic(), self.path, dict(self.headers)))
                status, body, headers = answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def paths(self):
        return [path for _, path, _ in self.requests]


def rates(begin, count, following=None):
    """Half hours of Octopus, newest first."""
    results = [
        {
            "value_exc_vat": 10.0 + n,
            "value_inc_vat": 10.5 + n,
            "valid_from": utc(begin + n * 1800),
            "valid_to": utc(begin + n * 1800 + 1800),
            "payment_method": None,
        }
        for n in reversed(range(count))
    ]
    return json.dumps({"count": count, "next": following, "results": results}).encode()


class FeedTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.servers = []
        self.begin = int(time.time()) // 3600 * 3600

    def tearDown(self):
        for server in self.servers:
            server.close()
        self.dir.cleanup()

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def serve(self, answer, certificate=None):
        self.servers.append(Server(answer, certificate))
        return self.servers[-1]

    def octopus(self, url, more=""):
        with open(self.path("feed.toml"), "w", encoding="utf-8") as file:
            file.write(
                f'folder = "{self.dir.name}"\n[[source]]\nservice = "octopus"\n'
                f'gives = "import_price"\nproduct = "AGILE-X"\ntariff = "E-1R-AGILE-X-C"\n'
                f'server = "{url}"\n{more}'
            )

    def run_once(self, *args):
        return subprocess.run(
            [FEED, "--config", self.path("feed.toml"), "--once", *args],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def runs_until(self, *said):
        """Runs it until it has said these in this order, then stops it; the first one's group."""
        found = []
        with subprocess.Popen(
            [FEED, "--config", self.path("feed.toml")], stderr=subprocess.PIPE, text=True
        ) as process:
            end = threading.Timer(120, process.kill)  # of a hang
            end.start()
            for line in process.stderr:
                found += [m for m in [re.search(said[len(found)], line)] if m]
                if len(found) == len(said):
                    break
            self.assertEqual(len(found), len(said), f"{said} was not said")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0)
            end.cancel()
        return found[0].group(1)

    def written(self, kind="import_price"):
        with open(self.path(kind + ".json"), encoding="utf-8") as file:
            return json.load(file)

    def test_pages_are_fetched_and_written_as_one_document(self):
        def answer(path):
            query = urllib.parse.parse_qs(urllib.parse.urlparse(path).query)
            if query["page"] == ["1"]:
                return 200, rates(self.begin + 1800, 2, "https://elsewhere/?page=2"), {}
            return 200, rates(self.begin, 1), {}

        server = self.serve(answer)
        self.octopus(server.url)
        result = self.run_once()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(
            result.stderr,
            r'INFO feed fetched gives=import_price source="Octopus .*" slots=3 until=',
        )
        self.assertEqual(len(server.requests), 2, "its own pages, nothing from elsewhere")
        self.assertIn("/v1/products/AGILE-X/electricity-tariffs/E-1R-AGILE-X-C/", server.paths()[0])
        self.assertRegex(server.requests[0][2]["User-Agent"], r"^esshub-feed/")
        document = self.written()
        self.assertEqual(document["kind"], "import_price")
        self.assertEqual(document["unit"], "GBP/kWh")
        self.assertEqual(document["slots"][0], [utc(self.begin), utc(self.begin + 1800), 0.105])
        self.assertEqual([slot[2] for slot in document["slots"]], [0.105, 0.105, 0.115])
        self.assertEqual(sorted(os.listdir(self.dir.name)), ["feed.toml", "import_price.json"])

    def test_a_failure_keeps_the_last_file_and_says_why(self):
        answers = [
            (200, rates(self.begin, 3), {}),
            (503, b"", {"Retry-After": "600"}),
            (302, b"", {"Location": "http://127.0.0.1:1/"}),
            (200, b"<html>maintenance</html>", {}),
            (
                200,
                rates(self.begin, 3).replace(b'"value_inc_vat": 10.5', b'"value_inc_vat": 83500'),
                {},
            ),
            (200, rates(self.begin - 100 * 86400, 3), {}),
            (200, b" " * 5_000_000, {}),
        ]
        server = self.serve(lambda path: answers[len(server.requests) - 1])
        self.octopus(server.url)
        self.assertEqual(self.run_once().returncode, 0)
        first = self.written()
        said = []
        for _ in answers[1:]:
            result = self.run_once()
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            self.assertIn(" again_s=600 ", result.stderr, "Octopus is asked every 10 min at most")
            said.append(result.stderr)
        self.assertEqual(self.written(), first)
        self.assertEqual(len(server.requests), len(answers), "no redirection, nothing asked twice")
        self.assertIn("answered 503", said[0])
        self.assertIn("answered 302", said[1])
        self.assertIn("no JSON object, but begins '<html>maintenance</html>'", said[2])
        self.assertIn("/slots/0/2: 835.0 GBP/kWh, accepted -5.0 to 5.0", said[3])
        self.assertIn("tells nothing of", said[4])
        self.assertIn(
            "WARNING feed not_fetched gives=import_price failures=1 again_s=600 why=", said[5]
        )

    def test_entsoe_has_its_token_from_a_file_and_tells_nobody(self):
        with open(os.path.join(DATA, "entsoe-acknowledgement.xml"), "rb") as file:
            refusal = file.read()
        server = self.serve(lambda path: (400, refusal, {}))
        with open(self.path("feed.toml"), "w", encoding="utf-8") as file:
            file.write(
                f'folder = "{self.dir.name}"\n[[source]]\nservice = "entsoe"\n'
                'gives = "import_price"\narea = "10Y1001A1001A82H"\n'
                f'token_file = "{self.path("token")}"\nserver = "{server.url}"\n'
            )
        result = self.run_once()
        self.assertEqual(result.returncode, 1)
        self.assertIn("no token can be read", result.stderr)
        self.assertEqual(server.requests, [], "without a token nothing is asked")
        with open(self.path("token"), "w", encoding="utf-8") as file:
            file.write("0123abcd-secret\n")
        result = self.run_once()
        self.assertEqual(result.returncode, 1)
        self.assertIn("No matching data found", result.stderr)
        self.assertNotIn("secret", result.stderr)
        self.assertIn("securityToken=0123abcd-secret&", server.paths()[0])

    def test_only_a_certificate_of_its_authority_and_for_the_host_is_believed(self):
        certificate = (self.path("server.pem"), self.path("server.key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            + [
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=test",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ]
            + ["-out", certificate[0], "-keyout", certificate[1]],
            check=True,
            capture_output=True,
        )
        server = self.serve(lambda path: (200, rates(self.begin, 3), {}), certificate)
        self.octopus(server.url)
        result = self.run_once()
        self.assertEqual(result.returncode, 1, "nobody whom the machine trusts has signed it")
        self.assertIn("certificate verify failed", result.stderr)
        own = f'authority = "{certificate[0]}"\n'
        self.octopus(server.url.replace("127.0.0.1", "localhost"), own)
        self.assertEqual(self.run_once().returncode, 1, "it is not for that name")
        self.assertEqual(server.requests, [])
        self.octopus(server.url, own)
        result = self.run_once()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(self.written()["slots"]), 3)

    def test_the_service_waits_also_when_it_is_started_again(self):
        server = self.serve(lambda path: (200, rates(self.begin, 3), {}))
        self.octopus(server.url)
        self.assertEqual(self.runs_until(r" waits .* next_s=(\d+)", " fetched "), "0")
        self.assertEqual(len(server.requests), 1)
        left = int(self.runs_until(r" waits .* next_s=(\d+)"))
        self.assertGreater(left, 1000, "of half an hour, `every`")
        self.assertEqual(len(server.requests), 1)

    def test_a_source_that_fails_is_not_asked_again_at_once(self):
        server = self.serve(lambda path: (500, b"", {}))
        self.octopus(server.url)
        again = int(self.runs_until(r" not_fetched .* again_s=(\d+)"))
        self.assertGreaterEqual(again, 600, "the least of this service")
        self.assertEqual(len(server.requests), 1)

    def test_a_source_that_cannot_be_reached_is_asked_again_soon(self):
        server = self.serve(lambda path: (200, b"", {}))
        self.octopus(server.url)
        server.close()
        self.servers.clear()
        self.assertRegex(self.run_once().stderr, r" again_s=([67]\d|8\d|90) ")

    def test_what_cannot_be_written_is_said(self):
        server = self.serve(lambda path: (200, rates(self.begin, 3), {}))
        self.octopus(server.url)
        result = self.run_once("--folder", self.path("none"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot create " + self.path("none/import_price.json.new"), result.stderr)

    def test_the_command_line_explains_itself(self):
        def ask(*args):
            return subprocess.run([FEED, *args], capture_output=True, text=True, timeout=20)

        shown = ask("--help")
        self.assertEqual(shown.returncode, 0)
        for word in ("--config", "--folder", "--once", "exit codes", "example:"):
            self.assertIn(word, shown.stdout)
        self.assertRegex(ask("--version").stdout, r"^esshub-feed \d+\.\d+\.\d+\n$")
        self.assertEqual(ask("--onse").returncode, 64)
        missing = ask("--config", self.path("none.toml"))
        self.assertEqual(missing.returncode, 78)
        self.assertIn("cannot be read, expected a configuration file", missing.stderr)
        self.octopus("ftp://x")
        wrong = ask("--config", self.path("feed.toml"))
        self.assertEqual(wrong.returncode, 78)
        self.assertTrue(
            re.search(r"feed\.toml:7:10: source\.server: is .ftp://x., expected", wrong.stderr),
            wrong.stderr,
        )


if __name__ == "__main__":
    unittest.main()
