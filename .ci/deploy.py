"""Builds, deploys and deletes the stack of an environment of samconfig.toml.

    python .ci/deploy.py SAM build|deploy|delete ENVIRONMENT [ARGUMENT...]     (make build, make deploy, make delete)

SAM is the program. The arguments are "sam deploy"'s or "sam delete"'s own. What SAM lets pass without a word is an error here, before the build:
an environment that samconfig.toml does not have, no Region, credentials that AWS does not take; and functions of another architecture than the
stack's, which would fail every batch.
"""

import os
import re
import subprocess
import sys
import tomllib

import boto3
import botocore.config
import botocore.exceptions
from samcli.cli.types import CfnParameterOverridesType
from samtranslator.yaml_helper import yaml_parse

from project import ROOT, read_template

BUILT = ROOT / ".aws-sam" / "build"

# The machine in the header of an ELF file ("Tool Interface Standard, Executable and Linking Format", and its supplements).
MACHINES = {0xB7: "arm64", 0x3E: "x86_64"}

# A parameter that is given without a value, for which SAM wants two quotes. A shell has taken them away.
EMPTY = re.compile(r"(?<!\S)(\w+)=(?!\S)")

# Arguments that would make SAM look elsewhere than this program does.
OURS = {
    "--config-env": "ENV= names the environment",
    "--config-file": "the environments are those of samconfig.toml",
    "--stack-name": "samconfig.toml gives each environment its stack's name",
    "--template-file": "what was built is deployed",
    "--template": "what was built is deployed",
    "-t": "what was built is deployed",
    "--guided": "samconfig.toml has the answers to its questions",
    "-g": "samconfig.toml has the answers to its questions",
}

# A stack's name may have 128 characters; Athena takes as many, and the longest name of a saved query has 23 behind the stack's.
LONGEST_NAME = 105

# The outputs that somebody needs next, in this order.
OUTPUTS = ["ApiUrl", "Curl", "ProducerPolicy", "TokensSecret", "ApiKeyId", "Table", "BucketName"]


class Refused(Exception):
    """What is wrong, and what to do about it. Nothing was done."""


class Environment:
    """An environment of samconfig.toml, and what the arguments say over it."""

    def __init__(self, name, arguments=()):
        config = tomllib.loads((ROOT / "samconfig.toml").read_text())
        # SAM takes an environment that is not there for one without any values, and says nothing.
        names = [each for each, value in config.items() if isinstance(value, dict)]
        if name not in names:
            raise Refused(f'samconfig.toml has no environment "{name}". It has {", ".join(names)}.')
        self.name = name
        self.settings = config[name].get("global", {}).get("parameters", {}) | config[name].get("deploy", {}).get("parameters", {})
        texts = self.settings.get("parameter_overrides", "")
        for text in [texts] if isinstance(texts, str) else texts:
            if empty := EMPTY.search(text):
                # A stack that is there would keep the parameter's value.
                raise Refused(f'SAM leaves {empty[0]} of samconfig.toml out without a word. Write {empty[1]}=\\"\\".')
        self.others, overrides, self.options = split(arguments)
        self.arguments, self.given = list(self.others), bool(arguments)
        self.overrides = parse(texts) | overrides
        if overrides:
            # SAM would put them in the place of the environment's own.
            self.arguments += ["--parameter-overrides", *(f'{key}="{value}"' for key, value in self.overrides.items())]
        self.stack = self.settings.get("stack_name")

    def deployable(self):
        """Raises Refused for an environment that must not be deployed."""
        if not self.stack:
            why = "it lets everybody send, and is for the local runner" if self.overrides.get("Authorization") == "NONE" else "it is for the local runner"
            raise Refused(f'The environment "{self.name}" has no stack_name in samconfig.toml, so that nobody deploys it by mistake: {why}.')
        if len(self.stack) > LONGEST_NAME:
            raise Refused(f"The stack's name has {len(self.stack)} characters, and may have {LONGEST_NAME}: resources have longer names of it, which AWS would refuse.")

    def architecture(self, template):
        """Answers the architecture that the stack's functions will have."""
        parameter = template["Parameters"]["Architecture"]
        architecture = self.overrides.get("Architecture", parameter["Default"])
        if architecture not in parameter["AllowedValues"]:
            raise Refused(f"Architecture is {' or '.join(parameter['AllowedValues'])}, not {architecture}.")
        # Of make's own command line it would go past what is set for SAM's make.
        asked = os.environ.get("ARCHITECTURE", architecture)
        if asked != architecture:
            raise Refused(
                f"ARCHITECTURE={asked} says how one function is built by hand. The stack of the environment {self.name} is {architecture}: put Architecture={asked} into "
                f'its parameter_overrides in samconfig.toml, or give make build and make deploy ARGS="--parameter-overrides Architecture={asked}".'
            )
        return architecture

    def session(self):
        """Answers a session in a Region, with credentials that AWS takes, and the account that they are of."""
        profile = self.options.get("--profile") or self.settings.get("profile")
        region = self.options.get("--region") or self.settings.get("region")
        try:
            session = boto3.Session(profile_name=profile, region_name=region)
            if not session.region_name:
                alone = " AWS_REGION is set, which SAM does not read." if os.environ.get("AWS_REGION") else ""
                raise Refused(f"There is no Region.{alone} Set AWS_DEFAULT_REGION, or add region to [{self.name}.deploy.parameters] in samconfig.toml.")
            if session.get_credentials() is None:
                raise Refused("There are no credentials. Give them as for the AWS CLI: AWS_PROFILE, AWS_ACCESS_KEY_ID with the rest, or aws sso login.")
            patience = botocore.config.Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
            return session, session.client("sts", config=patience).get_caller_identity()["Account"]
        except botocore.exceptions.ClientError as e:
            # Its code alone: a message may quote a part of what was sent.
            raise Refused(f"AWS does not take these credentials ({e.response['Error']['Code']}). Renew them, or choose others by AWS_PROFILE.") from None
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.EndpointConnectionError) as e:
            raise Refused(f"AWS cannot be reached: {e}.") from None
        except botocore.exceptions.BotoCoreError as e:
            raise Refused(f"There are no credentials that can be used: {e}.") from None


def parse(overrides):
    """Answers {name: value} of parameter_overrides, a text or a list of texts, as SAM reads it. It leaves Name= out, of a list or with an error."""
    texts = [EMPTY.sub(r'\1=""', text) for text in ([overrides] if isinstance(overrides, str) else overrides)]
    return dict(CfnParameterOverridesType().convert(tuple(texts), None, None)) if any(texts) else {}


def split(arguments):
    """Answers the arguments without --parameter-overrides, the parameters that those name, and {option: value} of the others."""
    rest, overrides, options, taking = [], [], {}, False
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if option in OURS:
            raise Refused(f"{option} cannot be given here: {OURS[option]}.")
        if option == "--parameter-overrides":
            taking = True
            overrides += [value] if equals else []
            continue
        taking = taking and not argument.startswith("-")
        if taking:
            overrides.append(argument)
            continue
        if rest and not argument.startswith("-"):
            options[rest[-1]] = argument
        elif equals:
            options[option] = value
        rest.append(argument)
    return rest, parse(overrides), options


def functions(template):
    return [logical_id for logical_id, resource in template["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"]


def build(sam, environment):
    """Builds the functions for the environment's architecture, and looks at what came of it."""
    template = read_template()
    architecture = environment.architecture(template)
    print(f"building for {architecture}, the architecture of the environment {environment.name}", flush=True)
    # A makefile build is told nothing by SAM: the Makefile reads this variable.
    run([sam, "build", "--build-in-source"], ARCHITECTURE=architecture)
    for function in functions(template):
        bootstrap = BUILT / function / "bootstrap"
        if not os.access(bootstrap, os.X_OK):
            raise Refused(f"sam build left no bootstrap that can be run for {function}: has the Makefile a rule build-{function} that writes it?")
        with open(bootstrap, "rb") as f:
            header = f.read(20)
        machine = MACHINES.get(int.from_bytes(header[18:20], "little")) if header.startswith(b"\x7fELF") else None
        if machine != architecture:
            raise Refused(
                f"{bootstrap.relative_to(ROOT)} is {'for ' + machine if machine else 'no program for Linux on Lambda'}, and the stack's functions are {architecture}: "
                f"every invocation would fail. Take GOARCH from ARCHITECTURE in the Makefile's build-{function}."
            )
    print(f"{', '.join(functions(template))}: programs for {architecture}", flush=True)


def build_alone(sam, environment):
    if environment.others:
        raise Refused(f"{environment.others[0]} cannot be given here: of the arguments make build takes --parameter-overrides alone.")
    build(sam, environment)
    if environment.stack:
        # SAM's last words are other commands, which look at nothing first.
        print(f"Next: make deploy ENV={environment.name}{', with the same ARGS' if environment.given else ''}. It builds by itself, and is what to take in the place of sam deploy.")


def deploy(sam, environment):
    environment.deployable()
    session, account = environment.session()
    print(f"account {account}, {session.region_name}: stack {environment.stack} of the environment {environment.name}", flush=True)
    build(sam, environment)
    run([sam, "deploy", "--config-env", environment.name, *environment.arguments, *same_bucket(session, environment)])
    stacks = session.client("cloudformation").describe_stacks(StackName=environment.stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
    if not outputs:
        print(f"{environment.stack} is {stacks[0]['StackStatus']}: nothing is deployed yet.")
        return
    print(f"\n{environment.stack} is deployed.")
    for name in OUTPUTS:
        if name in outputs:
            print(f"  {name:14}  {outputs[name]}")
    if "ProducerPolicy" in outputs:
        print("Next: attach ProducerPolicy to a role or user that sends.")
    if "TokensSecret" in outputs:
        print("Next: make token ARGS=\"-static -producer NAME\", and put the hashes into TokensSecret (docs/authorization.md).")
    if {"ParameterKey": "AlarmTopicArn", "ParameterValue": ""} in stacks[0].get("Parameters", []):
        print("Next: AlarmTopicArn=ARN of an SNS topic in the environment's parameter_overrides; until then no alarm reaches anybody.")
    print(f"make smoke STACK={environment.stack} sends marked events through it, and waits for their rows.")


def same_bucket(session, environment):
    """Answers the arguments that have the code uploaded to where the stack's is. From elsewhere SAM takes the same code for another, and CloudFormation
    ends with "A version for this Lambda function exists" (aws/serverless-application-model#1375): no parameter could be changed by hand of a stack
    that a pipeline deploys."""
    if "--s3-bucket" in environment.options or environment.settings.get("s3_bucket"):
        return []
    try:
        body = session.client("cloudformation").get_template(StackName=environment.stack, TemplateStage="Original")["TemplateBody"]
    except botocore.exceptions.ClientError:
        return []  # there is no stack yet; or it may not be read, and SAM says so next
    template = yaml_parse(body) if isinstance(body, str) else body
    code = [template["Resources"][function].get("Properties", {}).get("CodeUri") for function in functions(template)]
    buckets = {uri.split("/")[2] for uri in code if isinstance(uri, str) and uri.startswith("s3://")}
    if len(buckets) != 1 or (bucket := buckets.pop()).startswith("aws-sam-cli-managed-default-"):
        return []  # SAM finds its own
    print(f"the code goes to {bucket}, where the stack's is", flush=True)
    return ["--no-resolve-s3", "--s3-bucket", bucket]


# What stays when a stack is deleted, by the type of the resource: what it costs, and how it is removed.
KEPT = {
    "AWS::S3::Bucket": ("the data; S3 storage is paid for, and its life-cycle rules go on", "aws s3 rb s3://{0} --force"),
    "AWS::S3::BucketPolicy": ("asks for TLS; it goes with the bucket", None),
    "AWS::SecretsManager::Secret": ("the static tokens' hashes; a secret is paid for by the month", "aws secretsmanager delete-secret --secret-id {0}"),
    "AWS::ApiGateway::Account": (
        "API Gateway's log role of the account and Region, free of charge; other APIs may lean on it",
        "aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=",
    ),
    "AWS::IAM::Role": ("that role, free of charge; a next stack with ApiGatewayAccountRole=CREATE makes another, with EXISTING none", "IAM's console, or aws iam detach-role-policy and aws iam delete-role --role-name {0}"),
}


def delete(sam, environment):
    environment.deployable()
    session, account = environment.session()
    print(f"account {account}, {session.region_name}: stack {environment.stack} of the environment {environment.name}")
    try:
        pages = session.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=environment.stack)
        resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    except botocore.exceptions.ClientError as e:
        raise Refused(f"CloudFormation does not show the stack {environment.stack} ({e.response['Error']['Code']}): is it of this account and Region?") from None
    template = read_template()
    print("What stays:")
    for resource in resources:
        kept = template["Resources"].get(resource["LogicalResourceId"], {}).get("DeletionPolicy") == "Retain"
        if not kept or not resource.get("PhysicalResourceId"):
            continue
        what, how = KEPT.get(resource["ResourceType"], ("it may cost something", None))
        print(f"  {resource['LogicalResourceId']} {resource['PhysicalResourceId']}\n      {what}")
        if how:
            print("      to remove it: " + how.format(resource["PhysicalResourceId"]))
    print(
        "Everything else goes, and with it what is in it: the functions with all of their versions, the logs, the tables (a next stack has them again,\n"
        "over a bucket of its own), what waits in the queues, and what stands in the stream and is not delivered. Have producers stop, and wait until\n"
        "the delivery stream's DataFreshness is 0, if that matters. What SAM uploaded stays in its own bucket, under the environment's s3_prefix.",
        flush=True,
    )
    detached(session, [resource for resource in resources if resource["ResourceType"] == "AWS::IAM::ManagedPolicy"])
    if os.environ.get("YES") != "1":
        if not sys.stdin.isatty():
            raise Refused("Nobody can be asked here: YES=1 deletes without a question.")
        if input(f"Type {environment.stack} to delete it: ").strip() != environment.stack:
            raise Refused("Nothing was deleted.")
    run([sam, "delete", "--stack-name", environment.stack, "--region", session.region_name, "--no-prompts", *environment.arguments])


def detached(session, policies):
    """Raises Refused for a policy that somebody was given: CloudFormation would take the alarms and the logs down, and then stop at it."""
    for policy in policies:
        arn, commands = policy.get("PhysicalResourceId"), []
        if not arn:
            continue
        try:
            pages = session.client("iam").get_paginator("list_entities_for_policy").paginate(PolicyArn=arn)
            for page in pages:
                commands += [f"aws iam detach-role-policy --policy-arn {arn} --role-name {role['RoleName']}" for role in page["PolicyRoles"]]
                commands += [f"aws iam detach-user-policy --policy-arn {arn} --user-name {user['UserName']}" for user in page["PolicyUsers"]]
                commands += [f"aws iam detach-group-policy --policy-arn {arn} --group-name {group['GroupName']}" for group in page["PolicyGroups"]]
        except botocore.exceptions.ClientError as e:
            print(f"Whether {policy['LogicalResourceId']} is attached cannot be seen ({e.response['Error']['Code']}): if it is, the deletion stops at it.", flush=True)
        if commands:
            raise Refused(f"{policy['LogicalResourceId']} is attached, and IAM deletes no policy that is. Nothing was deleted. First:\n  " + "\n  ".join(commands))


def run(command, **variables):
    sys.stdout.flush()
    code = subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=False).returncode
    if code != 0:
        sys.exit(code)


def main(arguments):
    if len(arguments) < 3 or arguments[1] not in ("build", "deploy", "delete"):
        sys.exit(__doc__)
    sam, command, name, *rest = arguments
    try:
        {"build": build_alone, "deploy": deploy, "delete": delete}[command](sam, Environment(name, rest))
    except Refused as e:
        sys.exit(f"make {command}: {e}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
