"""Tries "make build", "make deploy" and "make delete", from the command to what SAM is called with, and how the targets that reach a stack call their
programs.

    python .ci/try_deploy.py VENV     (make try-deploy)

It runs the Makefile in a folder of its own, with programs in the place of SAM and Go that write down how they were called and leave what a build would,
and an HTTP server in the place of AWS, which the AWS clients reach by AWS_ENDPOINT_URL. Nothing here has an account.
"""

import concurrent.futures
import contextlib
import http.server
import json
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECRET = "wJalrXUtnFEMI-never-to-be-seen"

# It writes its arguments and the architecture that it was told to calls, and for a build the header of a program for MACHINE.
SAM = """#!/usr/bin/env python3
import json, os, pathlib, sys
with open("calls", "a") as f:
    f.write(json.dumps([os.environ.get("ARCHITECTURE", "")] + sys.argv[1:]) + "\\n")
if os.environ.get("SAM_FAILS") == sys.argv[1]:
    sys.exit(3)
if sys.argv[1] == "build":
    machine = os.environ.get("MACHINE") or os.environ["ARCHITECTURE"]
    for function in ("AuthorizerFunction", "TransformFunction", "DlqFunction"):
        folder = pathlib.Path(".aws-sam/build", function)
        folder.mkdir(parents=True, exist_ok=True)
        if machine != "none":
            header = b"\\x7fELF" + bytes(14) + {"arm64": 0xB7, "x86_64": 0x3E, "script": 0}[machine].to_bytes(2, "little")
            (folder / "bootstrap").write_bytes(b"#!/bin/sh" if machine == "script" else header)
            (folder / "bootstrap").chmod(0o755)
"""

# What it builds, and what it runs, writes whether the metadata of an instance may be asked for, and its arguments.
GO = """#!/usr/bin/env python3
import json, os, shutil, sys
if sys.argv[1] == "build":
    target = sys.argv[sys.argv.index("-o") + 1]
    os.makedirs(os.path.dirname(target), exist_ok=True)
    sys.exit(shutil.copy(sys.argv[0], target) and 0)
with open("calls", "a") as f:
    f.write(json.dumps([os.environ.get("AWS_EC2_METADATA_DISABLED", "")] + sys.argv[1:]) + "\\n")
"""

IDENTITY = "<GetCallerIdentityResult><Account>000000000000</Account><Arn>arn:aws:iam::000000000000:user/u</Arn><UserId>u</UserId></GetCallerIdentityResult>"
STACK = """<DescribeStacksResult><Stacks><member><StackName>{0}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-11-26T00:00:00Z</CreationTime>
<Outputs><member><OutputKey>ApiUrl</OutputKey><OutputValue>https://a.example.com/v1</OutputValue></member><member><OutputKey>StreamName</OutputKey><OutputValue>not-shown</OutputValue></member>
<member><OutputKey>ProducerPolicy</OutputKey><OutputValue>arn:policy</OutputValue></member></Outputs>
<Parameters><member><ParameterKey>AlarmTopicArn</ParameterKey><ParameterValue></ParameterValue></member></Parameters></member></Stacks></DescribeStacksResult>"""
RESOURCE = """<member><LogicalResourceId>{0}</LogicalResourceId><PhysicalResourceId>{1}</PhysicalResourceId><ResourceType>{2}</ResourceType>
<LastUpdatedTimestamp>2026-11-26T00:00:00Z</LastUpdatedTimestamp><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"""
RESOURCES = "<ListStackResourcesResult><StackResourceSummaries>" + "".join(
    RESOURCE.format(*each)
    for each in [
        ("Bucket", "the-bucket", "AWS::S3::Bucket"), ("Stream", "the-stream", "AWS::Kinesis::Stream"), ("ApiGatewayLogRole", "the-role", "AWS::IAM::Role"),
        ("ProducerPolicy", "arn:aws:iam::000000000000:policy/{0}", "AWS::IAM::ManagedPolicy"),
    ]
) + "</StackResourceSummaries></ListStackResourcesResult>"
# What was deployed, and where its code is. There is no stack hydrant-dev yet.
DEPLOYED = "Resources: {{F: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: 's3://{0}/prefix/key'}}}}, G: {{Type: AWS::SQS::Queue}}}}"
BUCKETS = {"hydrant-staging": "pipeline-bucket", "hydrant": "aws-sam-cli-managed-default-samclisourcebucket-abc"}
# Whom a policy is attached to, by the end of its ARN.
ENTITIES = {
    "hydrant-dev": "<PolicyRoles/><PolicyUsers/><PolicyGroups/>",
    "hydrant-staging": "<PolicyRoles><member><RoleName>shop-web</RoleName><RoleId>AROAEXAMPLEEXAMPLE01</RoleId></member></PolicyRoles>"
    "<PolicyUsers><member><UserName>pat</UserName><UserId>AIDAEXAMPLEEXAMPLE01</UserId></member></PolicyUsers><PolicyGroups/>",
}


class AWS(http.server.BaseHTTPRequestHandler):
    """Answers STS, CloudFormation and IAM, for one account. The access key EXPIRED is refused; BLIND may not see who has a policy."""

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        action, status = form["Action"], 200
        if "Credential=EXPIRED/" in self.headers["Authorization"]:
            status, answer = 403, f"<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>the token {SECRET} is expired</Message></Error></ErrorResponse>"
        elif action == "GetTemplate" and form["StackName"] not in BUCKETS:
            status, answer = 400, "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>no such stack</Message></Error></ErrorResponse>"
        elif action == "ListEntitiesForPolicy" and "Credential=BLIND/" in self.headers["Authorization"]:
            status, answer = 403, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
        elif action == "ListStackResources" and form["StackName"] == "hydrant":
            status, answer = 400, "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>no such stack</Message></Error></ErrorResponse>"
        else:
            result = {
                "GetCallerIdentity": IDENTITY, "DescribeStacks": STACK.format(form.get("StackName")), "ListStackResources": RESOURCES.format(form.get("StackName")),
                "GetTemplate": f"<GetTemplateResult><TemplateBody>{DEPLOYED.format(BUCKETS.get(form.get('StackName')))}</TemplateBody></GetTemplateResult>",
                "ListEntitiesForPolicy": f"<ListEntitiesForPolicyResult>{ENTITIES.get(form.get('PolicyArn', '').rpartition('/')[2])}<IsTruncated>false</IsTruncated></ListEntitiesForPolicyResult>",
            }[action]
            answer = f"<{action}Response>{result}</{action}Response>"
        body = answer.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Try:
    """One run of make: its output, its exit code and SAM's calls."""

    def __init__(self, venv, endpoint, command, *, keys="KEY", region="eu-west-1", typed=None, named="hydrant-dev", also="", **variables):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / ".ci").mkdir()
            for path in ("Makefile", "samconfig.toml", "template.yaml", ".ci/deploy.py", ".ci/project.py", ".ci/requirements.txt"):
                shutil.copy(ROOT / path, folder / path)
            programs = folder / "venv" / "bin"
            programs.mkdir(parents=True)
            (programs / "sam").write_text(SAM)
            (programs / "go").write_text(GO)
            (programs / "python").write_text(f'#!/bin/sh\nexec "{venv}/bin/python" "$@"\n')
            for program in programs.iterdir():
                program.chmod(0o755)
            shutil.copy(ROOT / ".ci" / "requirements.txt", folder / "venv" / "installed")
            samconfig = folder / "samconfig.toml"
            samconfig.write_text(samconfig.read_text().replace('stack_name = "hydrant-dev"', f'stack_name = "{named}"').replace("LogDays=7 Dep", f"LogDays=7{also} Dep"))
            env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MAKE", "MFLAGS")) and key not in ("ENV", "ARGS", "YES", "ARCHITECTURE", "STACK", "ID")}
            env |= {"HOME": name, "PATH": f"{programs}:{env['PATH']}", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": endpoint} | variables
            if keys:
                env |= {"AWS_ACCESS_KEY_ID": keys, "AWS_SECRET_ACCESS_KEY": SECRET}
            if region:
                env["AWS_DEFAULT_REGION"] = region
            with contextlib.ExitStack() as stack:
                stdin = subprocess.DEVNULL
                if typed is not None:
                    keyboard, stdin = pty.openpty()
                    stack.callback(os.close, keyboard)
                    stack.callback(os.close, stdin)
                    os.write(keyboard, typed.encode() + b"\n")
                done = subprocess.run(
                    ["make", "--no-print-directory", "VENV=" + str(folder / "venv"), *command], cwd=folder, env=env, stdin=stdin, capture_output=True, text=True, check=False
                )
            calls = folder / "calls"
            self.calls = [json.loads(line.replace(str(folder / ".cache/bin/hydrant-local"), "RUNNER")) for line in calls.read_text().splitlines()] if calls.exists() else []
        self.command, self.code, self.text = command, done.returncode, done.stdout + done.stderr

    def faults(self, code, calls, *texts):
        """Yields a sentence for each thing that is not as expected."""
        where = "make " + " ".join(self.command)
        if (self.code != 0) != code:
            yield f"{where} ended with {self.code}:\n{self.text}"
        if self.calls != calls:
            yield f"{where} called the program with {self.calls}, not with {calls}"
        for text in texts:
            if text not in self.text:
                yield f"{where} does not say {text!r}:\n{self.text}"
        if SECRET in self.text or SECRET in json.dumps(self.calls):
            yield f"{where} tells a secret:\n{self.text}"
        if "Traceback" in self.text or "not-shown" in self.text:
            yield f"{where} says what is of no use:\n{self.text}"


def build(architecture="arm64"):
    return [architecture, "build", "--build-in-source"]


FAILS, WORKS = True, False
DELETE = ["", "delete", "--stack-name", "hydrant-dev", "--region", "eu-west-1", "--no-prompts"]
DEV = ["Architecture=\"x86_64\"", "DatabaseName=\"hydrant_dev\"", "StreamMode=\"PROVISIONED\"", "ShardCount=\"1\"", "ErrorDays=\"15\"", "LogDays=\"7\""]

# The command, what it is run with, and what comes of it: whether it fails, how SAM is called, and what is said.
TRIES = [
    (["build"], {}, (WORKS, [build()], "TransformFunction, DlqFunction: programs for arm64")),
    (["build"], {"MACHINE": "none"}, (FAILS, [build()], "left no bootstrap that can be run for AuthorizerFunction")),
    (["build"], {"MACHINE": "script"}, (FAILS, [build()], "is no program for Linux on Lambda")),
    (["build"], {"SAM_FAILS": "build", "MACHINE": "arm64"}, (FAILS, [build()])),
    (["build"], {}, (WORKS, [build()], "Next: make deploy ENV=default. ")),
    (["build", "ENV=prod"], {}, (WORKS, [build()], "Next: make deploy ENV=prod. ")),
    (["build", "ARGS=--parameter-overrides Architecture=x86_64"], {}, (WORKS, [build("x86_64")], "programs for x86_64", "Next: make deploy ENV=default, with the same ARGS. ")),
    (["build", "ARGS=--parameter-overrides Architecture=amd64"], {}, (FAILS, [], "Architecture is arm64 or x86_64, not amd64")),
    (["build", "ARGS=--use-container"], {}, (FAILS, [], "--use-container cannot be given here")),
    (["build", "ARCHITECTURE=x86_64"], {}, (FAILS, [], "The stack of the environment default is arm64: put Architecture=x86_64 into its parameter_overrides in samconfig.toml")),
    (["build", "ARCHITECTURE=arm64"], {}, (WORKS, [build()])),
    (["build"], {"ARCHITECTURE": "x86_64"}, (FAILS, [], 'ARGS="--parameter-overrides Architecture=x86_64"')),
    (["deploy", "ARCHITECTURE=x86_64"], {}, (FAILS, [], "put Architecture=x86_64 into")),
    (["build", "ENV=nowhere"], {}, (FAILS, [], 'no environment "nowhere". It has default, staging, prod, local.')),
    (["deploy", "ENV=nowhere"], {}, (FAILS, [], 'no environment "nowhere"')),
    (["deploy", "ENV=local"], {}, (FAILS, [], "nobody deploys it by mistake: it lets everybody send")),
    (["deploy"], {"region": None}, (FAILS, [], "There is no Region. Set AWS_DEFAULT_REGION")),
    (["deploy"], {"region": None, "AWS_REGION": "eu-west-1"}, (FAILS, [], "AWS_REGION is set, which SAM does not read")),
    (["deploy"], {"keys": None}, (FAILS, [], "There are no credentials.")),
    (["deploy"], {"keys": None, "AWS_PROFILE": "nobody"}, (FAILS, [], "The config profile (nobody) could not be found")),
    (["deploy"], {"keys": "EXPIRED"}, (FAILS, [], "does not take these credentials (ExpiredToken)")),
    (["deploy", "ARGS=--config-env prod"], {}, (FAILS, [], "--config-env cannot be given here: ENV= names the environment")),
    (["deploy", "ARGS=--parameter-overrides Architecture=amd64"], {}, (FAILS, [], "Architecture is arm64 or x86_64, not amd64")),
    (
        ["deploy", 'ARGS=--parameter-overrides AllowedCidrs="" LogDays=14'], {},
        (WORKS, [build(), ["", "deploy", "--config-env", "default", "--parameter-overrides", 'Architecture="arm64"', *DEV[1:5], 'LogDays="14"', 'AllowedCidrs=""']]),
    ),
    (["deploy", "ENV=staging"], {"also": " AllowedCidrs="}, (FAILS, [], 'SAM leaves AllowedCidrs= of samconfig.toml out without a word. Write AllowedCidrs=\\"\\".')),
    (["deploy", "ENV=staging"], {"also": ' AllowedCidrs=\\"\\"'}, (WORKS, [build(), ["", "deploy", "--config-env", "staging", "--no-resolve-s3", "--s3-bucket", "pipeline-bucket"]])),
    (
        ["deploy", "ENV=staging", "ARGS=--no-resolve-s3 --s3-bucket other"], {},
        (WORKS, [build(), ["", "deploy", "--config-env", "staging", "--no-resolve-s3", "--s3-bucket", "other"]]),
    ),
    (["deploy"], {"named": "h" * 106}, (FAILS, [], "The stack's name has 106 characters, and may have 105")),
    (["deploy"], {"MACHINE": "x86_64"}, (FAILS, [build()], "bootstrap is for x86_64, and the stack's functions are arm64")),
    (["deploy"], {"SAM_FAILS": "deploy"}, (FAILS, [build(), ["", "deploy", "--config-env", "default"]])),
    (
        ["deploy"], {},
        (WORKS, [build(), ["", "deploy", "--config-env", "default"]], "account 000000000000, eu-west-1: stack hydrant-dev", "https://a.example.com/v1", "Next: attach ProducerPolicy", "Next: AlarmTopicArn=", "make smoke STACK=hydrant-dev"),
    ),
    (["deploy", "ENV=prod", "ARGS=--no-confirm-changeset"], {}, (WORKS, [build(), ["", "deploy", "--config-env", "prod", "--no-confirm-changeset"]], "hydrant is deployed")),
    (
        ["deploy", "ARGS=--no-progressbar --parameter-overrides Architecture=x86_64 --region eu-north-1"], {"region": None},
        (WORKS, [build("x86_64"), ["", "deploy", "--config-env", "default", "--no-progressbar", "--region", "eu-north-1", "--parameter-overrides", *DEV]], "eu-north-1: stack hydrant-dev"),
    ),
    (["delete"], {}, (FAILS, [], "Bucket the-bucket", "aws s3 rb s3://the-bucket --force", "ApiGatewayLogRole the-role", "YES=1 deletes without a question")),
    (["delete"], {"typed": "hydrant"}, (FAILS, [], "Nothing was deleted")),
    (["delete"], {"typed": "hydrant-dev"}, (WORKS, [DELETE], "Bucket the-bucket")),
    (["delete", "YES=1"], {}, (WORKS, [DELETE], "Bucket the-bucket")),
    (
        ["delete", "ENV=staging", "YES=1"], {},
        (FAILS, [], "Nothing was deleted", "detach-role-policy --policy-arn arn:aws:iam::000000000000:policy/hydrant-staging --role-name shop-web", "detach-user-policy", "--user-name pat"),
    ),
    (["delete", "YES=1"], {"keys": "BLIND"}, (WORKS, [DELETE], "Whether ProducerPolicy is attached cannot be seen (AccessDenied)")),
    (["delete", "ENV=prod", "YES=1"], {}, (FAILS, [], "CloudFormation does not show the stack hydrant (ValidationError)")),
    (["delete", "ENV=local", "YES=1"], {}, (FAILS, [], "nobody deploys it by mistake")),
    # An instance with a role has no other credentials.
    (["smoke", "STACK=hydrant-dev"], {"AWS_EC2_METADATA_DISABLED": ""}, (WORKS, [["", "-stack", "hydrant-dev"]])),
    (["smoke", "STACK=hydrant-dev"], {}, (WORKS, [["true", "-stack", "hydrant-dev"]])),
    (["smoke", "ARGS=-json"], {"AWS_EC2_METADATA_DISABLED": ""}, (WORKS, [["true", "-runner", "RUNNER", "-build", ".hydrant/build", "-json"]])),
    (["where", "STACK=hydrant-dev", "ID=it's $a \"b\""], {"AWS_EC2_METADATA_DISABLED": ""}, (WORKS, [["", "run", "./pkg/tools/where", "-id", "it's $a \"b\"", "-stack", "hydrant-dev"]])),
    (["where", "ID=3f0c"], {}, (WORKS, [["true", "run", "./pkg/tools/where", "-id", "3f0c"]])),
    (["redrive", "STACK=hydrant-dev", "ARGS=-go"], {"AWS_EC2_METADATA_DISABLED": ""}, (WORKS, [["", "run", "./pkg/tools/redrive", "-stack", "hydrant-dev", "-go"]])),
    (["redrive"], {}, (WORKS, [["true", "run", "./pkg/tools/redrive"]])),
    (["check-events", "FILE=it's.jsonl"], {}, (WORKS, [["true", "it's.jsonl"]])),
    (["invoke", "FUNCTION=DlqFunction", "EVENT=it's.json"], {}, (WORKS, [["true", "invoke", "-data", ".hydrant", "DlqFunction", "it's.json"]])),
]


def main(venv):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AWS)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://localhost:{server.server_address[1]}"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(Try, venv, endpoint, command, **given) for command, given, _ in TRIES]
        wrong = [line for run, (_, _, want) in zip(runs, TRIES, strict=True) for line in run.result().faults(*want)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"tried make build, deploy, delete and what reaches a stack in {len(TRIES)} situations")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).absolute()))
