#!/usr/bin/python3
"""What the web server answers without a browser; the page itself is tested in page/."""
import http.client
import json
import unittest

import jsonschema

from house import House, wait_for


class WebTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.addClassCleanup(cls.house.close)
        cls.house.start_hub()
        if wait_for(cls.has_decided, 20) is None:
            raise RuntimeError(cls.house.hub.text())

    @classmethod
    def ask(cls, path):
        connection = http.client.HTTPConnection(cls.house.web, timeout=10)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text)

    @classmethod
    def has_decided(cls):
        try:
            status, state = cls.ask("/api/v1/state")
            return status == 200 and state["decision"] is not None
        except OSError:
            return False

    def test_every_answer_is_as_the_openapi_document_says(self):
        _, document = self.ask("/api/v1/openapi.json")
        jsonschema.Draft202012Validator.check_schema(document["components"]["schemas"]["State"])
        checked = 0
        for path, methods in document["paths"].items():
            if "get" not in methods or path in ("/api/v1/events", "/api/v1/openapi.json"):
                continue
            status, body = self.ask(path)
            said = methods["get"]["responses"][str(status)]["content"]["application/json"]["schema"]
            jsonschema.Draft202012Validator(
                {**said, "components": document["components"]}
            ).validate(body)
            checked += 1
        self.assertGreaterEqual(checked, 8)


if __name__ == "__main__":
    unittest.main(verbosity=2)
