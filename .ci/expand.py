"""Expands template.yaml as CloudFormation does on deployment, for each combination of parameters that changes what is made.

    python .ci/expand.py FOLDER

Writes the expansions that differ to FOLDER, for cfn-lint to read, and exits 1 with a line for each expectation that one of
them does not meet. "sam validate" throws its expansion away, so it sees neither a second stage, nor a resource that nobody
asked for, nor an API's body that the translator rewrote.
"""

import copy
import itertools
import json
import logging
import os
import pathlib
import re
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The parameters on which a Condition depends. One left out here fails below.
COMBINATIONS = {
    "Authorization": ["AWS_IAM", "NONE"],
    "CorsOrigin": ["", "https://www.example.com"],
    "ApiGatewayAccountRole": ["CREATE", "EXISTING"],
    "StreamMode": ["ON_DEMAND", "PROVISIONED"],
    "EventDays": ["0", "365"],
    "Tracing": ["Active", "PassThrough"],
}

# What the translator makes of a SAM resource, the deployment's hash left out. Anything else is not expected.
EXPANDS_TO = {
    "AWS::Serverless::Api": {
        "": "AWS::ApiGateway::RestApi",
        "Stage": "AWS::ApiGateway::Stage",
        "Deployment": "AWS::ApiGateway::Deployment",
    },
    "AWS::Serverless::Function": {"": "AWS::Lambda::Function"},
}

# What it makes of an event of a function, by the event's type.
EVENT_EXPANDS_TO = {"SQS": "AWS::Lambda::EventSourceMapping"}


class NoManagedPolicies:
    """Stands for the lookup of managed policies in IAM: no function here names one."""

    def load(self):
        return {}


def expand(template, parameters):
    """Answers the template without SAM in it. Functions get an S3 address as code, which "sam package" would give them."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    return transform(template, dict(parameters), NoManagedPolicies())


def expected(template):
    """Answers {logical id: type} of what the template should expand to."""
    resources = {}
    for logical_id, resource in template["Resources"].items():
        for suffix, kind in EXPANDS_TO.get(resource["Type"], {"": resource["Type"]}).items():
            resources[logical_id + suffix] = kind
        if resource["Type"] == "AWS::Serverless::Function":
            if "EventInvokeConfig" in resource["Properties"]:
                resources[logical_id + "EventInvokeConfig"] = "AWS::Lambda::EventInvokeConfig"
            for name, event in resource["Properties"].get("Events", {}).items():
                resources[logical_id + name] = EVENT_EXPANDS_TO[event["Type"]]
    return resources


def unhashed(expansion):
    """Answers an expansion without its deployments' hashes, which AlwaysDeploy makes of the time."""
    text = re.sub(r"(?<=Deployment)[0-9a-f]{10}(?=\")", "", json.dumps(expansion))
    return json.loads(re.sub(r"(?<=RestApi deployment id: )[0-9a-f]{40}", "", text))


def faults(template, expansion):
    """Yields a sentence for each thing about an expansion that is not as it should be."""
    got, want = expansion["Resources"], expected(template)
    for logical_id in sorted(want.keys() - got.keys()):
        yield f"{logical_id} is missing"
    for logical_id in sorted(got.keys() - want.keys()):
        yield f"{logical_id} ({got[logical_id]['Type']}) is made, and nobody asked for it"
    for logical_id in sorted(got.keys() & want.keys()):
        if got[logical_id]["Type"] != want[logical_id]:
            yield f"{logical_id} is a {got[logical_id]['Type']}, not a {want[logical_id]}"
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Api":
            yield from changes(f"{logical_id}'s body", resource["Properties"]["DefinitionBody"], got[logical_id]["Properties"]["Body"])


def changes(where, before, after):
    """Yields a sentence for each member that the translator changed; it is to deploy what was written."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from changes(f"{where}, {name}", before.get(name), after.get(name))
    elif before != after:
        yield f"the translator changed {where}"


def uncovered(template):
    """Yields a sentence for each parameter that decides a condition and does not stand in COMBINATIONS."""
    for name, condition in template["Conditions"].items():
        for parameter in re.findall(r"'Ref': '(\w+)'", str(condition)):
            if parameter not in COMBINATIONS:
                yield f"condition {name} depends on {parameter}: add it to COMBINATIONS in .ci/expand.py"


def main(folder):
    logging.disable(logging.WARNING)
    # The translator works offline, but not without a region.
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    template = yaml_parse((ROOT / "template.yaml").read_text())
    wrong, seen = list(uncovered(template)), []
    combinations = [dict(zip(COMBINATIONS, values)) for values in itertools.product(*COMBINATIONS.values())]
    for parameters in combinations:
        expansion = unhashed(expand(template, parameters))
        if expansion in seen:
            continue
        seen.append(expansion)
        (folder / f"expansion-{len(seen)}.json").write_text(json.dumps(expansion, indent=1))
        wrong += faults(template, expansion)
    for line in wrong:
        print(f"template.yaml: {line}", file=sys.stderr)
    print(f"expanded template.yaml for {len(combinations)} combinations of parameters into {len(seen)} different template(s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))
