"""Orders given over the page's REST interface, as the owner does."""
import re
import subprocess
import urllib.request

from house import HUB

PASSWORD = "a password of tests"


def set_password(house):
    subprocess.run(
        [HUB, "password", "--config", house.path("esshub.toml")],
        input=PASSWORD + "\n",
        text=True,
        check=True,
        timeout=20,
        stdout=subprocess.DEVNULL,
    )


class Orders:
    """To a hub whose page is at `web` and has that password: sign_in(), then give() as often as wanted."""

    def __init__(self, web):
        self.web, self.headers, self.given = web, {"Content-Type": "application/json"}, 0

    def post(self, path, body, method="POST"):
        request = urllib.request.Request(
            f"http://{self.web}/api/v1/{path}", body.encode(), self.headers, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers, answer.read().decode()

    def sign_in(self):
        headers, text = self.post("session", f'{{"password": "{PASSWORD}"}}')
        self.headers["Cookie"] = headers["Set-Cookie"].split(";")[0]
        self.headers["X-CSRF-Token"] = re.search(r'"csrf":\s*"([^"]+)"', text)[1]

    def give(self):
        """One that changes something: the reserve, by 1 %."""
        self.given += 1
        self.post("reserve", f'{{"reserve_percent": {20 + self.given % 2}}}')
