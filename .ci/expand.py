"""Expands template.yaml as CloudFormation does on deployment, for combinations of the parameters that change what is made.

    python .ci/expand.py FOLDER

Writes the expansions that differ to FOLDER, for cfn-lint to read, and exits 1 with a line for each expectation that one of
them does not meet. "sam validate" throws its expansion away, so it sees neither a second stage, nor a resource that nobody
asked for, nor an API's body that the translator rewrote.

The combinations make but two different expansions: conditions and what hangs on them stay in an expansion, for
CloudFormation to decide. The translator itself decides by DeploymentType alone, since it reads DeploymentPreference's
Enabled, and makes CodeDeploy's resources or does not. The combinations are for Stack, which decides the conditions of each
as CloudFormation does, and for .ci/properties.py.
"""

import copy
import graphlib
import itertools
import json
import logging
import os
import pathlib
import re
import sys

from samtranslator.translator.transform import transform

from project import read_template

# The parameters on which a Condition depends. One left out here fails below.
COMBINATIONS = {
    "Authorization": ["AWS_IAM", "LAMBDA", "NONE"],
    "JwtIssuer": ["", "https://issuer.example.com/"],
    "StaticTokens": ["false", "true"],
    "ApiKeyRequired": ["false", "true"],
    "QuotaRequests": ["0", "1000"],
    "ThrottleRate": ["0", "50"],
    "AllowedCidrs": ["", "192.0.2.0/24,2001:db8::/32"],
    "WebAclArn": ["", "arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/edge/01234567-89ab-cdef-0123-456789abcdef"],
    "TextBodies": ["false", "true"],
    "CorsOrigin": ["", "https://www.example.com"],
    "ApiGatewayAccountRole": ["CREATE", "EXISTING"],
    "ExistingStreamName": ["", "events.existing"],
    "StreamMode": ["ON_DEMAND", "PROVISIONED"],
    "SourceBackup": ["Disabled", "Enabled"],
    "EventDays": ["0", "365"],
    "ExecutionLogs": ["OFF", "ERROR"],
    "Compaction": ["OFF", "DAILY", "HOURLY"],
    "CompactionMaxGB": ["0", "100"],
    "Tracing": ["Active", "PassThrough"],
    "AlarmTopicArn": ["", "arn:aws:sns:eu-west-1:000000000000:alarms"],
    "ExpectDataMinutes": ["0", "60"],
    "DeploymentType": ["AllAtOnce", "Canary10Percent10Minutes"],
    "PermissionsBoundaryArn": ["", "arn:aws:iam::000000000000:policy/boundary"],
    "KmsKeyArn": ["", "arn:aws:kms:eu-west-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef"],
}

# Where each type of resource that stores something says which KMS key encrypts it.
KEYS = {
    "AWS::Kinesis::Stream": ["StreamEncryption", "KeyId"],
    "AWS::S3::Bucket": ["BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "KMSMasterKeyID"],
    "AWS::SQS::Queue": ["KmsMasterKeyId"],
    "AWS::Logs::LogGroup": ["KmsKeyId"],
    "AWS::Athena::WorkGroup": ["WorkGroupConfiguration", "ResultConfiguration", "EncryptionConfiguration", "KmsKey"],
    "AWS::SecretsManager::Secret": ["KmsKeyId"],
}

# The methods that ask who calls, and what they ask for by the mode of Authorization.
WRITES = {"/record": ["post"], "/records": ["post"]}
REQUIREMENTS = {"AWS_IAM": [{"sigv4": []}], "LAMBDA": [{"authorizer": []}], "NONE": []}
API_KEY = {"apiKey": []}
# What there is in one mode alone.
AUTHORIZER = re.compile("Authorizer|TokensSecret")

# What the translator makes of a SAM resource, the hashes of deployments and versions left out. Anything else is not expected.
EXPANDS_TO = {
    "AWS::Serverless::Api": {
        "": "AWS::ApiGateway::RestApi",
        "Stage": "AWS::ApiGateway::Stage",
        "Deployment": "AWS::ApiGateway::Deployment",
    },
    "AWS::Serverless::Function": {"": "AWS::Lambda::Function", "Version": "AWS::Lambda::Version", "Aliaslive": "AWS::Lambda::Alias"},
}

# The functions whose new versions take over by and by, if DeploymentType says so.
GRADUAL = ["AuthorizerFunction", "TransformFunction"]
# What may name a function itself: what it is made of, and who looks at it. Whoever calls it names its alias.
NAMES_FUNCTIONS = {
    "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig",
    "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Logs::QueryDefinition",
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


def expected(template, parameters):
    """Answers {logical id: type} of what the template should expand to."""
    resources = {}
    if parameters["DeploymentType"] != "AllAtOnce":
        resources["ServerlessDeploymentApplication"] = "AWS::CodeDeploy::Application"
        resources |= {function + "DeploymentGroup": "AWS::CodeDeploy::DeploymentGroup" for function in GRADUAL}
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
    """Answers an expansion without the hashes of its deployments, which AlwaysDeploy makes of the time, and of its versions."""
    text = re.sub(r"(?<=Deployment)[0-9a-f]{10}(?=\")|(?<=FunctionVersion)[0-9a-f]{10}(?=\")", "", json.dumps(expansion))
    return json.loads(re.sub(r"(?<=RestApi deployment id: )[0-9a-f]{40}", "", text))


def faults(template, expansion, parameters):
    """Yields a sentence for each thing about an expansion that is not as it should be."""
    got, want = expansion["Resources"], expected(template, parameters)
    for logical_id in sorted(want.keys() - got.keys()):
        yield f"{logical_id} is missing"
    for logical_id in sorted(got.keys() - want.keys()):
        yield f"{logical_id} ({got[logical_id]['Type']}) is made, and nobody asked for it"
    for logical_id in sorted(got.keys() & want.keys()):
        if got[logical_id]["Type"] != want[logical_id]:
            yield f"{logical_id} is a {got[logical_id]['Type']}, not a {want[logical_id]}"
    if expansion.get("Rules") != template["Rules"]:
        yield "the translator changed the Rules"
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Api":
            # A function's alias has another name there.
            body = json.loads(re.sub(r"(Function)\.Alias\b", r"\1Aliaslive", json.dumps(resource["Properties"]["DefinitionBody"])))
            yield from changes(f"{logical_id}'s body", body, got[logical_id]["Properties"]["Body"])


def changes(where, before, after):
    """Yields a sentence for each member that the translator changed; it is to deploy what was written."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from changes(f"{where}, {name}", before.get(name), after.get(name))
    elif before != after:
        yield f"the translator changed {where}"


class Stack:
    """What CloudFormation makes of an expansion with some parameters: its conditions decided, and what they leave out gone."""

    def __init__(self, expansion, parameters):
        self.conditions, self.mappings = expansion["Conditions"], expansion["Mappings"]
        self.types = {name: p["Type"] for name, p in expansion["Parameters"].items()}
        self.parameters = {name: str(p.get("Default", "")) for name, p in expansion["Parameters"].items()} | parameters
        self.resources = {
            logical_id: self.decided({name: member for name, member in resource.items() if name != "Condition"})
            for logical_id, resource in expansion["Resources"].items()
            if "Condition" not in resource or self.holds({"Condition": resource["Condition"]})
        }

    def holds(self, condition):
        (function, argument), = condition.items()
        if function == "Condition":
            return self.holds(self.conditions[argument])
        if function == "Fn::Equals":
            a, b = map(self.text, argument)
            return a == b
        return {"Fn::Not": lambda all_: not all_[0], "Fn::And": all, "Fn::Or": any}[function]([self.holds(one) for one in argument])

    def text(self, value):
        """Answers a side of an Fn::Equals."""
        if not isinstance(value, dict):
            return str(value)
        if "Ref" in value:
            return self.parameters[value["Ref"]]
        mapping, first, second = map(self.text, value["Fn::FindInMap"])
        return self.mappings[mapping][first][second]

    def decided(self, value):
        """Answers a value without Fn::If, and without what is AWS::NoValue."""
        if isinstance(value, list):
            return [v for v in map(self.decided, value) if v != NO_VALUE]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Fn::If"}:
            name, then, otherwise = value["Fn::If"]
            return self.decided(then if self.holds({"Condition": name}) else otherwise)
        members = {name: self.decided(member) for name, member in value.items()}
        return members if value == NO_VALUE else {name: member for name, member in members.items() if member != NO_VALUE}

    def faults(self):
        """Yields a sentence for each thing in a mode that is another's, and for each reference to what is not there."""
        mode = self.parameters["Authorization"]
        for logical_id, resource in self.resources.items():
            if AUTHORIZER.match(logical_id) and mode != "LAMBDA":
                yield f"{logical_id} is made with Authorization={mode}"
            if resource["Type"] == "AWS::ApiGateway::RestApi":
                yield from self.insecure(resource["Properties"]["Body"])
            if resource["Type"] == "AWS::ApiGateway::Stage" and "ApiGatewayAccount" in self.resources.keys() - self.awaited(logical_id):
                yield f"{logical_id} does not wait for ApiGatewayAccount, and its access log may be refused"
            if resource["Type"] == "AWS::KinesisFirehose::DeliveryStream":
                yield from self.backed_up(resource["Properties"]["ExtendedS3DestinationConfiguration"])
            if resource["Type"] in KEYS:
                yield from self.unlocked(logical_id, resource)
            if not self.parameters["KmsKeyArn"] and '"kms:' in json.dumps(resource):
                yield f"{logical_id} names actions of KMS, and there is no KmsKeyArn"
            if resource["Type"] == "AWS::IAM::Role":
                yield from self.unbounded(logical_id, resource["Properties"])
            for name in references(resource):
                if name not in self.resources and name not in self.parameters and not name.startswith("AWS::"):
                    yield f"{logical_id} refers to {name}, which is not made"
            if resource["Type"] not in NAMES_FUNCTIONS and logical_id != "DeploymentRole":
                for name in references(resource):
                    if self.resources.get(name, {}).get("Type") == "AWS::Lambda::Function":
                        yield f"{logical_id} names {name}, not its alias"
            if resource["Type"] == "AWS::Lambda::Version" and (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy", "Delete")) != ("Delete", "Delete"):
                yield f"{logical_id} stays when its deployment is taken back, and the same code cannot be deployed again"
            if resource["Type"] == "AWS::Lambda::Alias":
                yield from self.ungradual(logical_id.removesuffix("Aliaslive"), resource)
        if ("Stream" in self.resources) != (self.parameters["ExistingStreamName"] == ""):
            yield f"Stream is made: {'Stream' in self.resources}, with ExistingStreamName={self.parameters['ExistingStreamName']}"
        if mode == "LAMBDA" and "AuthorizerFunction" not in self.resources:
            yield "AuthorizerFunction is not made with Authorization=LAMBDA"
        try:
            graphlib.TopologicalSorter({logical_id: list(references(resource)) for logical_id, resource in self.resources.items()}).prepare()
        except graphlib.CycleError as e:
            yield "each waits for the next, in a circle: " + ", ".join(reversed(e.args[1]))

    def awaited(self, logical_id):
        """Answers the logical ids of what is made before a resource."""
        found, todo = set(), [logical_id]
        while todo:
            new = set(references(self.resources.get(todo.pop(), {}))) - found
            found |= new
            todo += new
        return found

    def ungradual(self, function, alias):
        """Yields a sentence if a function's alias does not move as DeploymentType says, watched by an alarm."""
        update = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate")
        if function not in GRADUAL or self.parameters["DeploymentType"] == "AllAtOnce":
            if update:
                yield f"{function}'s alias moves by CodeDeploy with DeploymentType={self.parameters['DeploymentType']}"
            return
        group = self.resources.get(function + "DeploymentGroup", {}).get("Properties", {})
        if update != {"ApplicationName": {"Ref": "ServerlessDeploymentApplication"}, "DeploymentGroupName": {"Ref": function + "DeploymentGroup"}}:
            yield f"{function}'s alias moves at once with DeploymentType={self.parameters['DeploymentType']}"
        if group.get("DeploymentConfigName") != {"Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": self.parameters["DeploymentType"]}]}:
            yield f"{function}'s new versions take over by {group.get('DeploymentConfigName')}, not as DeploymentType says"
        if group.get("ServiceRoleArn") != {"Fn::GetAtt": ["DeploymentRole", "Arn"]}:
            yield f"{function}'s aliases are moved with {group.get('ServiceRoleArn')}, not with DeploymentRole"
        alarms = group.get("AlarmConfiguration", {})
        watched = [self.resources.get(alarm["Name"]["Ref"], {}) for alarm in alarms.get("Alarms", [])]
        if not alarms.get("Enabled") or not all(watched) or not any(function in references(alarm) for alarm in watched):
            yield f"{function}'s new versions are watched by no alarm of this function"
        if "DEPLOYMENT_STOP_ON_ALARM" not in group.get("AutoRollbackConfiguration", {}).get("Events", []):
            yield f"{function}'s new versions are not taken back on an alarm"

    def insecure(self, body):
        mode = self.parameters["Authorization"]
        requirements = REQUIREMENTS[mode] + ([API_KEY] if self.parameters["ApiKeyRequired"] == "true" else [])
        yield from self.lets_in(body.get("x-amazon-apigateway-policy"))
        schemes = body["components"]["securitySchemes"].keys()
        if schemes != {name for requirement in requirements for name in requirement}:
            yield f"with Authorization={mode} the security schemes are {sorted(schemes)}"
        for path, methods in body["paths"].items():
            for verb, method in methods.items():
                want = requirements if verb in WRITES.get(path, []) else []
                if method.get("security") != want:
                    yield f"with Authorization={mode} {verb} {path} asks for {method.get('security')}, not {want}"

    def backed_up(self, destination):
        """Yields a sentence for a backup of source records that nobody asked for, or that is not there."""
        mode = self.parameters["SourceBackup"]
        if destination.get("S3BackupMode") != {"Ref": "SourceBackup"} or ("S3BackupConfiguration" in destination) != (mode == "Enabled"):
            yield f"with SourceBackup={mode} S3BackupMode is {destination.get('S3BackupMode')}, with {destination.get('S3BackupConfiguration')}"
        if ("BackupLogStream" in self.resources) != (mode == "Enabled"):
            yield f"BackupLogStream is made: {'BackupLogStream' in self.resources}, with SourceBackup={mode}"

    def unlocked(self, logical_id, resource):
        """Yields a sentence for a store that another key encrypts than KmsKeyArn, or that has one without it."""
        key = resource["Properties"]
        for name in KEYS[resource["Type"]]:
            key = key[name] if isinstance(name, int) else key.get(name, {})
        want = [{"Ref": "KmsKeyArn"}] if self.parameters["KmsKeyArn"] else [{}, "alias/aws/kinesis"]
        if key not in want:
            yield f"{logical_id} has the key {key}, with KmsKeyArn={self.parameters['KmsKeyArn']}"

    def unbounded(self, logical_id, role):
        """Yields a sentence for a role whose boundary is not the parameter's. The translator bounds no role that it makes of its own accord."""
        want = {"Ref": "PermissionsBoundaryArn"} if self.parameters["PermissionsBoundaryArn"] else None
        if role.get("PermissionsBoundary") != want:
            yield f"{logical_id} has the permissions boundary {role.get('PermissionsBoundary')}, not {want}"

    def lets_in(self, policy):
        """Yields a sentence for each thing that the resource policy allows though another is to decide."""
        if (policy is not None) != (self.parameters["AllowedCidrs"] != ""):
            yield f"the resource policy is {policy} with AllowedCidrs={self.parameters['AllowedCidrs']}"
        open_methods = ["execute-api:/*/GET/health", "execute-api:/*/OPTIONS/*"]
        for statement in (policy or {}).get("Statement", []):
            if statement["Effect"] == "Allow" and self.parameters["Authorization"] != "NONE" and statement["Resource"] != open_methods:
                yield f"with Authorization={self.parameters['Authorization']} the resource policy lets everybody call {statement['Resource']}"


NO_VALUE = {"Ref": "AWS::NoValue"}


def references(value):
    """Yields the names that Ref, Fn::GetAtt, Fn::Sub and DependsOn in a value mention."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for name, argument in value.items():
            if name == "Ref":
                yield argument
            elif name == "Fn::GetAtt":
                yield argument[0] if isinstance(argument, list) else argument.split(".")[0]
            elif name == "Fn::Sub":
                text, variables = argument if isinstance(argument, list) else (argument, {})
                yield from (found for found in re.findall(r"\$\{([A-Za-z0-9:]+)", text) if found not in variables)
                yield from references(variables)
            elif name == "DependsOn":
                yield from [argument] if isinstance(argument, str) else argument
            else:
                yield from references(argument)


def pairwise(choices):
    """Answers combinations of choices in which any two parameters have each two of their values. All of them would be thousands."""
    missing = {
        frozenset([(a, x), (b, y)])
        for a, b in itertools.combinations(choices, 2)
        for x in choices[a]
        for y in choices[b]
    }
    combinations = []
    while missing:
        chosen = dict(min(missing, key=sorted))
        for name, values in choices.items():
            if name not in chosen:
                chosen[name] = max(values, key=lambda v: sum(frozenset([(name, v), other]) in missing for other in chosen.items()))
        missing -= {frozenset(pair) for pair in itertools.combinations(chosen.items(), 2)}
        combinations.append({name: chosen[name] for name in choices})
    return combinations


def trials():
    """Answers the combinations to try: pairwise ones, each with a key and without one, since a store may depend on two parameters itself."""
    return [combination | {"KmsKeyArn": key} for combination in pairwise({**COMBINATIONS, "KmsKeyArn": [""]}) for key in COMBINATIONS["KmsKeyArn"]]


def uncovered(template):
    """Yields a sentence for each parameter that decides a condition and does not stand in COMBINATIONS."""
    for name, condition in template["Conditions"].items():
        for parameter in re.findall(r"'Ref': '(\w+)'", str(condition)):
            if parameter not in COMBINATIONS:
                yield f"condition {name} depends on {parameter}: add it to COMBINATIONS in .ci/expand.py"


def stacks(template):
    """Yields (expansion, its Stack) for each of the combinations to try."""
    # The translator works offline, but not without a Region.
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    logging.disable(logging.WARNING)
    for parameters in trials():
        expansion = unhashed(expand(template, parameters))
        yield expansion, Stack(expansion, parameters)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    template = read_template()
    wrong, seen, combinations = list(uncovered(template)), [], 0
    for expansion, stack in stacks(template):
        combinations += 1
        wrong += stack.faults()
        if expansion in seen:
            continue
        seen.append(expansion)
        (folder / f"expansion-{len(seen)}.json").write_text(json.dumps(expansion, indent=1))
        wrong += faults(template, expansion, stack.parameters)
    for line in dict.fromkeys(wrong):
        print(f"template.yaml: {line}", file=sys.stderr)
    print(f"expanded template.yaml for {combinations} combinations of parameters into {len(seen)} different template(s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))
