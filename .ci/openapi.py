"""Writes docs/openapi.yaml, the contract for clients, from the API's body in template.yaml.

    python .ci/openapi.py            writes it
    python .ci/openapi.py -check     exits 1 if it is not what it would write

The body is for API Gateway: it has AWS's extensions, conditions, and nothing of what API Gateway answers by itself or Kinesis refuses. Here
the extensions are gone, each condition is decided by the parameters' defaults, the security of every mode stands as an alternative, and the
gateway's answers and the number of records are added.
"""

import re
import sys

import yaml

from expand import Stack
from project import ROOT, read_template

FILE = ROOT / "docs" / "openapi.yaml"
HEAD = "# Made of template.yaml by .ci/openapi.py (make openapi). Change it there.\n"
PREFIX = "x-amazon-apigateway-"

# What each mode of Authorization asks for, each with and without an API key.
SCHEMES = {
    "sigv4": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "Signature Version 4 for the service execute-api (Authorization=AWS_IAM).",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "A JSON Web Token or a static token (Authorization=LAMBDA)."},
    "apiKey": {"type": "apiKey", "name": "x-api-key", "in": "header", "description": "Beside the credential (ApiKeyRequired=true)."},
}
MODES = [{"sigv4": []}, {"bearer": []}, {}]
ALTERNATIVES = MODES + [mode | {"apiKey": []} for mode in MODES]

ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}


def plain(value):
    """Answers a value without AWS's extensions."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: plain(member) for name, member in value.items() if not name.startswith(PREFIX)}


def gateway_answers(body):
    """Answers {status: [Code]} of what API Gateway answers by itself."""
    answers = {}
    for response in body[PREFIX + "gateway-responses"].values():
        if "statusCode" in response:
            code = re.search(r'"Code":"(\w+)"', response["responseTemplates"]["application/json"]).group(1)
            answers.setdefault(str(response["statusCode"]), set()).add(code)
    return {status: sorted(codes) for status, codes in sorted(answers.items())}


def contract(template):
    stack = Stack(template, {})
    body = next(r for r in stack.resources.values() if r["Type"] == "AWS::Serverless::Api")["Properties"]["DefinitionBody"]
    document = plain(body)
    document["info"] = {"title": "hydrant", "description": body["info"]["description"], "version": body["info"]["version"]}
    document["servers"] = [
        {
            "url": "https://{id}.execute-api.{region}.amazonaws.com/{stage}",
            "variables": {
                "id": {"default": "abcde12345"},
                "region": {"default": "eu-west-1"},
                "stage": {"default": stack.parameters["Stage"]},
            },
        }
    ]
    document["components"]["securitySchemes"] = SCHEMES
    # API Gateway does not enforce the number; Kinesis does.
    document["components"]["schemas"]["RecordsRequest"]["properties"]["Records"] |= {"minItems": 1, "maxItems": 500}
    error = document["components"]["schemas"]["ErrorAnswer"]
    error["required"] = list(error["properties"])
    gateway = gateway_answers(body)
    for methods in document["paths"].values():
        for verb, method in methods.items():
            responses = method["responses"]
            for status in [s for s, r in responses.items() if r["description"] == "Never sent."]:
                del responses[status]
            if verb == "post":
                method["security"] = ALTERNATIVES
                for status, codes in gateway.items():
                    words = f"API Gateway's own answer: {', '.join(codes)}."
                    if status in responses:
                        responses[status]["description"] += " Or " + words[0].upper() + words[1:]
                    else:
                        responses[status] = {"description": words, "content": ERROR}
            else:
                responses["default"] = {"description": "API Gateway's own answer.", "content": ERROR}
            method["responses"] = dict(sorted(responses.items()))
    return document


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def main(arguments):
    document = contract(read_template())
    text = HEAD + yaml.dump(document, Dumper=Dumper, sort_keys=False, width=140, allow_unicode=True)
    if arguments == ["-check"]:
        if not FILE.exists() or FILE.read_text() != text:
            print("docs/openapi.yaml is not what template.yaml says: run make openapi", file=sys.stderr)
            return 1
        return 0
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["-check"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
