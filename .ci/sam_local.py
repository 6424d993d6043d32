"""Tries events/env.json: the functions find all that they need, in a runner, with the environment that sam local invoke gives them.

    python .ci/sam_local.py RUNNER BUILD

There is no Docker here. What a container would have is worked out by SAM CLI's own code, from the template that make .aws-sam/build/local.yaml
makes of a built one, and events/env.json; the program has that environment and no other, and AWS's Runtime Interface Emulator around it, as it
would in the container. Only the runner's address is another one. Exits 1 if an answer is not what it should be.
"""

import io
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from emulator import Emulator, Fault, find_emulator, run
from project import ROOT

# A function, its event, and what its answer has.
TRIES = [
    ("TransformFunction", "transform/enveloped.json", r'"result":"Ok"'),
    # It reads an object, writes to the stream, and quarantines.
    ("DlqFunction", "dlq/s3-notification.json", r'^\{"batchItemFailures":\[\]\}$'),
    # It sends a message to the queue, too.
    ("DlqFunction", "dlq/s3-several-records.json", r'^\{"batchItemFailures":\[\]\}$'),
    ("AuthorizerFunction", "authorizer/token.json", r'"Effect":"Allow"'),
]


def environments(template, values):
    """Answers the variables that SAM CLI gives each function."""
    from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
    from samcli.lib.providers.sam_function_provider import SamFunctionProvider
    from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

    functions = SamFunctionProvider(SamLocalStackProvider.get_stacks(str(template))[0], use_raw_codeuri=True)
    local = LocalLambdaRunner(None, functions, ".", ".", env_vars_values=values)
    return {function.name: local._make_env_vars(function).resolve() for function in functions.get_all()}


def readme_secret():
    """Answers the secret that events/README.md has people write, so that the static token of the inputs is known."""
    return re.search(r"echo '(\{\"tokens\".*?)'", (ROOT / "events" / "README.md").read_text())[1]


def main(runner, build):
    if platform.system() != "Linux":
        print(f"NOT RUN: the emulator is a program for Linux, and this is {platform.system()}; CI runs it")
        return 0
    # Nothing of whoever runs this: SAM CLI takes a variable from the shell if it has one of the name, and credentials from wherever they are.
    for name in [name for name in os.environ if name.startswith(("AWS_", "POWERTOOLS_", "JWT_"))]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        shutil.copy(ROOT / "template.yaml", work)
        run("make", "--no-print-directory", f"{work}/local.yaml")
        data = work / "data"
        shutil.copytree(ROOT / "events" / "dlq" / "objects", data / "s3" / "hydrant-local-bucket")
        (data / "secrets").mkdir()
        (data / "secrets" / "hydrant-local-TokensSecret").write_text(readme_secret())
        parameters = ["-parameter", "Authorization=LAMBDA", "-parameter", "StaticTokens=true"]
        addresses = ["-quiet", "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0"]
        process = subprocess.Popen([runner, *addresses, "-data", data, "-build", build, *parameters], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            values = json.loads((ROOT / "events" / "env.json").read_text())
            values["Parameters"]["AWS_ENDPOINT_URL"] = json.loads(process.stdout.readline())["aws"]
            resolved = environments(work / "local.yaml", values)
            for function, event, want in TRIES:
                try_one(resolved[function], pathlib.Path(build) / function / "bootstrap", event, want)
        finally:
            process.terminate()
            process.wait()
    print(f"sam local invoke: {len(TRIES)} inputs find in a runner what they need, with the environment that SAM CLI makes of events/env.json")
    return 0


def try_one(environment, bootstrap, event, want):
    printed = io.BytesIO()
    emulator = Emulator(find_emulator(platform.machine())[0], bootstrap, environment, printed)
    try:
        answer, failed = emulator.invoke("try", (ROOT / "events" / event).read_bytes())
    finally:
        emulator.process.kill()
        emulator.process.wait()
    if failed or not re.search(want, answer.decode()):
        raise Fault(f"events/{event}: {answer.decode()[:1000]}\n{printed.getvalue().decode()}")


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Fault as fault:
        sys.exit(str(fault))
