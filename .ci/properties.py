"""Sends the resolved properties of every resource through botocore's validation, as the calls that CloudFormation makes of them.

    python .ci/properties.py

For each stack of .ci/expand.py every reference is replaced by a value of the form that AWS would give it, and the properties by the input of the call
that makes the resource: of the service's own model, with its names, types, bounds, enumerations and patterns. Exits 1 with a line for each that does
not fit, and for each type of resource that nothing here knows. Policies, which are text to a call, are read on their own.

cfn-lint holds the template against CloudFormation's schemas of the same resources, and either sees what the other does not. cfn-lint alone knows which
properties go together, and CloudFormation's functions. Of the changes in BROKEN it sees all but five: an event that S3 does not notify of, an action on
another service's resource, and whatever is inside the API's body, which is an object like any other to it.
"""

import functools
import json
import sys

import regex
from botocore.session import Session
from botocore.validate import ParamValidator
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from deploy import LONGEST_NAME
from expand import stacks
from project import read_template

REGION, ACCOUNT = "eu-west-1", "000000000000"
# As long as make deploy takes one.
STACK = "hydrant-test".ljust(LONGEST_NAME, "x")
PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": STACK,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/01234567-89ab-cdef-0123-456789abcdef",
}

# The ARN of a resource, by its type and its name.
ARNS = {
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::{account}:policy/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::Kinesis::Stream": "arn:aws:kinesis:{region}:{account}:stream/{name}",
    "AWS::KinesisFirehose::DeliveryStream": "arn:aws:firehose:{region}:{account}:deliverystream/{name}",
    "AWS::Lambda::Alias": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::Version": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
}

# What Ref gives where it is neither the name of the resource nor one that CloudFormation makes up of stack, logical id and letters.
REFS = {
    "AWS::ApiGateway::ApiKey": "a1b2c3d4e5",
    "AWS::ApiGateway::Deployment": "d1e2f3",
    "AWS::ApiGateway::RestApi": "a1b2c3d4e5",
    "AWS::ApiGateway::UsagePlan": "u1v2w3",
    "AWS::AppConfig::Application": "abc1234",
    "AWS::AppConfig::ConfigurationProfile": "def1234",
    "AWS::AppConfig::HostedConfigurationVersion": "1",
    "AWS::IAM::ManagedPolicy": ARNS["AWS::IAM::ManagedPolicy"],
    "AWS::KMS::Key": "01234567-89ab-cdef-0123-456789abcdef",
    "AWS::Lambda::Alias": ARNS["AWS::Lambda::Alias"],
    "AWS::Lambda::Version": ARNS["AWS::Lambda::Version"],
    "AWS::SNS::Topic": ARNS["AWS::SNS::Topic"],
    "AWS::SQS::Queue": "https://sqs.{region}.amazonaws.com/{account}/{name}",
    "AWS::SecretsManager::Secret": ARNS["AWS::SecretsManager::Secret"],
}

# The property that names a resource.
NAMES = {
    "AWS::ApiGateway::Stage": ["StageName"],
    "AWS::Glue::Database": ["DatabaseInput", "Name"],
    "AWS::Glue::Table": ["TableInput", "Name"],
    "AWS::Logs::LogGroup": ["LogGroupName"],
    "AWS::Logs::LogStream": ["LogStreamName"],
}

SESSION = Session()
ACTIONS = load_resource(AdditionalSpecs, "Policies.json")


class Resolver:
    """Replaces what refers to something by what it would be in a deployed stack."""

    def __init__(self, stack):
        self.stack = stack
        self.parameters = {name: typed(value, stack.types[name]) for name, value in stack.parameters.items()}

    def made(self, logical_id):
        """Answers the resource of a logical id."""
        if logical_id not in self.stack.resources:
            raise Unfit(f"it refers to {logical_id}, which is not made")
        return self.stack.resources[logical_id]

    def name(self, logical_id):
        resource = self.made(logical_id)
        value = resource.get("Properties", {})
        for member in NAMES.get(resource["Type"], ["-"]):
            value = value.get(member) if isinstance(value, dict) else None
        if value is not None:
            return str(self.value(value))
        if resource["Type"] == "AWS::Lambda::Alias":
            return f"{self.value(resource['Properties']['FunctionName'])}:{self.value(resource['Properties']['Name'])}"
        if resource["Type"] == "AWS::Lambda::Version":
            return f"{self.value(resource['Properties']['FunctionName'])}:1"
        # CloudFormation cuts the stack's name off where a service takes no longer one.
        generated = f"{STACK[:12]}-{logical_id}-1A2B3C4D5E6F"
        return generated.lower() if resource["Type"] == "AWS::S3::Bucket" else generated

    def form(self, text, logical_id):
        return text.format(region=REGION, account=ACCOUNT, name=self.name(logical_id))

    def ref(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        kind = self.made(name)["Type"]
        return self.form(REFS.get(kind, "{name}"), name)

    def attribute(self, logical_id, attribute):
        kind = self.made(logical_id)["Type"]
        if attribute == "Arn" and kind in ARNS:
            return self.form(ARNS[kind], logical_id)
        if (kind, attribute) in {("AWS::SQS::Queue", "QueueName")}:
            return self.name(logical_id)
        if (kind, attribute) in {("AWS::Lambda::Version", "Version")}:
            return "1"
        raise Unfit(f"nothing is known of what Fn::GetAtt gives for {attribute} of {kind}: add it to ARNS or to attribute in .ci/properties.py")

    def substituted(self, argument):
        text, variables = argument if isinstance(argument, list) else (argument, {})

        def one(match):
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return scalar(self.value(variables[name]))
            return scalar(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return regex.sub(r"\$\{([^}]+)\}", one, text)

    def value(self, value):
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Ref":
                return self.ref(argument)
            if name == "Fn::GetAtt":
                return self.attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
            if name == "Fn::Sub":
                return self.substituted(argument)
            if name == "Fn::Join":
                return argument[0].join(scalar(part) for part in self.value(argument[1]))
            if name == "Fn::Split":
                return self.value(argument[1]).split(argument[0])
            if name == "Fn::Select":
                return self.value(argument[1])[int(argument[0])]
            if name == "Fn::FindInMap":
                found = self.stack.mappings
                for key in self.value(argument):
                    if key not in found:
                        raise Unfit(f"it looks up {argument}, and there is no {key}")
                    found = found[key]
                return found
            if name.startswith("Fn::"):
                raise Unfit(f"nothing is known of the function {name}: add it to Resolver in .ci/properties.py")
        return {name: self.value(member) for name, member in value.items()}


class Unfit(Exception):
    """A sentence about what no call can be made of: the template is wrong, or this script was never told of something in it."""


def typed(value, kind):
    """Answers a parameter's value as CloudFormation has it."""
    if kind == "Number":
        return float(value) if "." in value else int(value)
    return value.split(",") if kind == "CommaDelimitedList" else value


def scalar(value):
    """Answers a scalar as the text that CloudFormation makes of it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---------------------------------------------------------------------------------------------------------------------
# From a resource to the calls that make it: (service, operation or shape, its input). What they leave of the properties is passed on, and botocore
# refuses it. A name that CloudFormation makes up is given.


def plain(service, operation, generated=None):
    """The calls of a resource whose properties are the input of one call."""
    return lambda name, p: [(service, operation, ({generated: name} if generated else {}) | p)]


def renamed(service, operation, names, generated=None):
    """The same, with other names in the call: {property: member}."""
    return lambda name, p: [(service, operation, ({generated: name} if generated else {}) | {names.get(k, k): v for k, v in p.items()})]


def function(name, p):
    reserved = p.pop("ReservedConcurrentExecutions", None)
    yield "lambda", "CreateFunction", {"FunctionName": name} | p
    if reserved is not None:
        yield "lambda", "PutFunctionConcurrency", {"FunctionName": name, "ReservedConcurrentExecutions": reserved}


def alias(name, p):
    weights = p.pop("RoutingConfig", {}).get("AdditionalVersionWeights", [])
    routing = {weight["FunctionVersion"]: weight["FunctionWeight"] for weight in weights}
    yield "lambda", "CreateAlias", p | {"RoutingConfig": {"AdditionalVersionWeights": routing}}


def stream(name, p):
    hours, encryption = p.pop("RetentionPeriodHours", 24), p.pop("StreamEncryption", None)
    name = p.pop("Name", name)
    yield "kinesis", "CreateStream", {"StreamName": name} | p
    yield "kinesis", "IncreaseStreamRetentionPeriod", {"StreamName": name, "RetentionPeriodHours": hours}
    if encryption is not None:
        yield "kinesis", "StartStreamEncryption", {"StreamName": name} | encryption


def log_group(name, p):
    days = p.pop("RetentionInDays", None)
    yield "logs", "CreateLogGroup", {"LogGroupName": name} | p
    if days is not None:
        yield "logs", "PutRetentionPolicy", {"LogGroupName": name, "RetentionInDays": days}


def queue(name, p):
    tags, name = p.pop("Tags", []), p.pop("QueueName", name)
    attributes = {key: json.dumps(value) if isinstance(value, dict) else scalar(value) for key, value in p.items()}
    yield "sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes, "tags": tags}


def workgroup(name, p):
    p.pop("RecursiveDeleteOption", None)  # of its deletion
    configuration = p.pop("WorkGroupConfiguration")
    # CloudFormation makes a number of the text.
    if "BytesScannedCutoffPerQuery" in configuration:
        configuration["BytesScannedCutoffPerQuery"] = int(configuration["BytesScannedCutoffPerQuery"])
    yield "athena", "CreateWorkGroup", p | {"Configuration": configuration}


def schedule(name, p):
    """The schedule, and the call that it makes with its input."""
    yield "scheduler", "CreateSchedule", {"Name": name} | p
    service, operation = p["Target"]["Arn"].rpartition("aws-sdk:")[2].split(":")
    text = p["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "2026-11-26T01:20:00Z")
    yield service, operation[0].upper() + operation[1:], json.loads(text)


def queue_policy(name, p):
    for url in p.pop("Queues"):
        yield "sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": json.dumps(p.pop("PolicyDocument"))}} | p


def bucket(name, p):
    name = p.pop("BucketName", name)
    calls = {
        "BucketEncryption": ("PutBucketEncryption", lambda v: {"ServerSideEncryptionConfiguration": {"Rules": [
            renamed_keys(rule, {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}) for rule in v["ServerSideEncryptionConfiguration"]]}}),
        "OwnershipControls": ("PutBucketOwnershipControls", lambda v: {"OwnershipControls": v}),
        "PublicAccessBlockConfiguration": ("PutPublicAccessBlock", lambda v: {"PublicAccessBlockConfiguration": v}),
        "VersioningConfiguration": ("PutBucketVersioning", lambda v: {"VersioningConfiguration": v}),
        "Tags": ("PutBucketTagging", lambda v: {"Tagging": {"TagSet": v}}),
        "NotificationConfiguration": ("PutBucketNotificationConfiguration", lambda v: {"NotificationConfiguration": {
            kind: [notification(one) for one in ones] if isinstance(ones, list) else ones for kind, ones in v.items()}}),
        "LifecycleConfiguration": ("PutBucketLifecycleConfiguration", lambda v: {"LifecycleConfiguration": v | {"Rules": [lifecycle(rule) for rule in v["Rules"]]}}),
    }
    yield "s3", "CreateBucket", {"Bucket": name}
    for property_, value in p.items():
        if property_ not in calls:
            raise Unfit(f"nothing is known of the call for {property_} of a bucket: add it to bucket in .ci/properties.py")
        operation, convert = calls[property_]
        yield "s3", operation, {"Bucket": name} | convert(value)


def renamed_keys(members, names):
    return {names.get(name, name): value for name, value in members.items()}


def notification(one):
    one = renamed_keys(one, {"Queue": "QueueArn", "Topic": "TopicArn", "Function": "LambdaFunctionArn"})
    one["Events"] = [one.pop("Event")]
    if "Filter" in one:
        one["Filter"] = {"Key": {"FilterRules": one["Filter"]["S3Key"]["Rules"]}}
    return one


def lifecycle(rule):
    rule = renamed_keys(rule, {"Id": "ID"})
    if "ExpirationInDays" in rule:
        rule["Expiration"] = {"Days": rule.pop("ExpirationInDays")}
    # The older form, which CloudFormation writes too; the newer one wants a Filter.
    rule.setdefault("Prefix", "")
    return rule


def role(name, p):
    inline, managed = p.pop("Policies", []), p.pop("ManagedPolicyArns", [])
    name = p.pop("RoleName", name)
    yield "iam", "CreateRole", {"RoleName": name} | p | {"AssumeRolePolicyDocument": json.dumps(p["AssumeRolePolicyDocument"])}
    for policy in inline:
        yield "iam", "PutRolePolicy", {"RoleName": name} | policy | {"PolicyDocument": json.dumps(policy["PolicyDocument"])}
    for arn in managed:
        yield "iam", "AttachRolePolicy", {"RoleName": name, "PolicyArn": arn}


def managed_policy(name, p):
    name = p.pop("ManagedPolicyName", name)
    for kind, operation in {"Roles": "AttachRolePolicy", "Users": "AttachUserPolicy", "Groups": "AttachGroupPolicy"}.items():
        for holder in p.pop(kind, []):
            yield "iam", operation, {kind[:-1] + "Name": holder, "PolicyArn": ARNS["AWS::IAM::ManagedPolicy"].format(account=ACCOUNT, name=name)}
    yield "iam", "CreatePolicy", {"PolicyName": name} | p | {"PolicyDocument": json.dumps(p["PolicyDocument"])}


def bucket_policy(name, p):
    yield "s3", "PutBucketPolicy", renamed_keys(p, {"PolicyDocument": "Policy"}) | {"Policy": json.dumps(p["PolicyDocument"])}


def rest_api(name, p):
    body, fail = p.pop("Body"), p.pop("FailOnWarnings", False)
    parameters = p.pop("Parameters", {})
    yield "apigateway", "ImportRestApi", {"failOnWarnings": fail, "parameters": parameters, "body": json.dumps(body)}
    yield "apigateway", "CreateRestApi", p
    for methods in body["paths"].values():
        for verb, method in methods.items():
            yield from integration(method["x-amazon-apigateway-integration"], {"restApiId": "a1b2c3d4e5", "resourceId": "r1", "httpMethod": verb.upper()})
            for status in method["responses"]:
                yield "apigateway", "PutMethodResponse", {"restApiId": "a1b2c3d4e5", "resourceId": "r1", "httpMethod": verb.upper(), "statusCode": status}
    for kind, response in body.get("x-amazon-apigateway-gateway-responses", {}).items():
        yield "apigateway", "PutGatewayResponse", {"restApiId": "a1b2c3d4e5", "responseType": kind} | response
    for scheme in body.get("components", {}).get("securitySchemes", {}).values():
        if "x-amazon-apigateway-authorizer" in scheme:
            authorizer = scheme["x-amazon-apigateway-authorizer"]
            yield "apigateway", "CreateAuthorizer", {"restApiId": "a1b2c3d4e5", "name": "authorizer"} | authorizer | {"type": authorizer["type"].upper()}
    for name, schema in body.get("components", {}).get("schemas", {}).items():
        yield "apigateway", "CreateModel", {"restApiId": "a1b2c3d4e5", "name": name, "contentType": "application/json", "schema": json.dumps(schema)}


def integration(written, method):
    """The calls of an integration in a body ("x-amazon-apigateway-integration object"), whose names are almost those of the calls."""
    written = dict(written)
    responses = written.pop("responses", {})
    input_ = renamed_keys(written, {"httpMethod": "integrationHttpMethod"})
    yield "apigateway", "PutIntegration", method | input_ | {"type": input_["type"].upper()}
    for pattern, response in responses.items():
        yield "apigateway", "PutIntegrationResponse", method | {"selectionPattern": pattern} | response


def stage(name, p):
    # Made by UpdateStage, whose patches have no shape; what it answers has.
    for property_, shape in {"AccessLogSetting": "AccessLogSettings", "CanarySetting": "CanarySettings"}.items():
        if property_ in p:
            yield "apigateway", shape, p.pop(property_)
    for settings in p.pop("MethodSettings", []):
        place = {"ResourcePath", "HttpMethod"}
        yield "apigateway", "MethodSetting", {k: v for k, v in settings.items() if k not in place}
    yield "apigateway", "CreateStage", p


def account(name, p):
    yield "apigateway", "Account", renamed_keys(p, {"CloudWatchRoleArn": "cloudwatchRoleArn"})


CALLS = {
    "AWS::ApiGateway::Account": account,
    "AWS::ApiGateway::ApiKey": plain("apigateway", "CreateApiKey"),
    "AWS::ApiGateway::Deployment": plain("apigateway", "CreateDeployment"),
    "AWS::ApiGateway::RestApi": rest_api,
    "AWS::ApiGateway::Stage": stage,
    "AWS::ApiGateway::UsagePlan": renamed("apigateway", "CreateUsagePlan", {"UsagePlanName": "name"}),
    "AWS::ApiGateway::UsagePlanKey": plain("apigateway", "CreateUsagePlanKey"),
    "AWS::AppConfig::Application": plain("appconfig", "CreateApplication"),
    "AWS::AppConfig::ConfigurationProfile": plain("appconfig", "CreateConfigurationProfile"),
    "AWS::AppConfig::HostedConfigurationVersion": plain("appconfig", "CreateHostedConfigurationVersion"),
    "AWS::Athena::NamedQuery": plain("athena", "CreateNamedQuery"),
    "AWS::Athena::WorkGroup": workgroup,
    "AWS::CloudWatch::Alarm": plain("cloudwatch", "PutMetricAlarm", "AlarmName"),
    "AWS::CloudWatch::Dashboard": plain("cloudwatch", "PutDashboard", "DashboardName"),
    "AWS::CodeDeploy::Application": plain("codedeploy", "CreateApplication", "ApplicationName"),
    "AWS::CodeDeploy::DeploymentGroup": plain("codedeploy", "CreateDeploymentGroup", "DeploymentGroupName"),
    "AWS::Glue::Database": plain("glue", "CreateDatabase"),
    "AWS::Glue::Table": plain("glue", "CreateTable"),
    "AWS::IAM::ManagedPolicy": managed_policy,
    "AWS::IAM::Role": role,
    "AWS::Kinesis::Stream": stream,
    "AWS::KinesisFirehose::DeliveryStream": plain("firehose", "CreateDeliveryStream", "DeliveryStreamName"),
    "AWS::Lambda::Alias": alias,
    "AWS::Lambda::EventInvokeConfig": plain("lambda", "PutFunctionEventInvokeConfig"),
    "AWS::Lambda::EventSourceMapping": plain("lambda", "CreateEventSourceMapping"),
    "AWS::Lambda::Function": function,
    "AWS::Lambda::Permission": plain("lambda", "AddPermission", "StatementId"),
    "AWS::Lambda::Version": plain("lambda", "PublishVersion"),
    "AWS::Logs::LogGroup": log_group,
    "AWS::Logs::LogStream": plain("logs", "CreateLogStream", "LogStreamName"),
    "AWS::Logs::QueryDefinition": plain("logs", "PutQueryDefinition"),
    "AWS::Logs::SubscriptionFilter": plain("logs", "PutSubscriptionFilter", "FilterName"),
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::SQS::Queue": queue,
    "AWS::SQS::QueuePolicy": queue_policy,
    "AWS::Scheduler::Schedule": schedule,
    "AWS::SecretsManager::Secret": plain("secretsmanager", "CreateSecret", "Name"),
    "AWS::WAFv2::WebACLAssociation": plain("wafv2", "AssociateWebACL"),
    "AWS::XRay::SamplingRule": plain("xray", "CreateSamplingRule"),
}


# ---------------------------------------------------------------------------------------------------------------------
# Whether an input fits a shape


def shape_of(service, name):
    model = SESSION.get_service_model(service)
    return model.operation_model(name).input_shape if name in model.operation_names else model.shape_for(name)


def fit(value, shape):
    """Answers a value as CloudFormation passes it on: scalars as the type that is wanted, members as the service writes them."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {}
        for name, member in value.items():
            lowered = name[:1].lower() + name[1:]
            name = name if name in shape.members or lowered not in shape.members else lowered
            members[name] = fit(member, shape.members[name]) if name in shape.members else member
        return members
    if kind == "map" and isinstance(value, list) and all(isinstance(item, dict) and item.keys() == {"Key", "Value"} for item in value):
        value = {item["Key"]: item["Value"] for item in value} # tags
    if kind == "map" and isinstance(value, dict):
        return {name: fit(member, shape.value) for name, member in value.items()}
    if kind == "list" and isinstance(value, list):
        return [fit(item, shape.member) for item in value]
    if kind in ("string", "blob") and isinstance(value, (bool, int, float)):
        return scalar(value)
    if kind in ("integer", "long") and isinstance(value, str) and regex.fullmatch(r"-?\d+", value):
        return int(value)
    if kind in ("double", "float") and isinstance(value, str) and regex.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def out_of_bounds(value, shape, where):
    """Yields what botocore does not look at: enumerations, patterns and maxima."""
    if isinstance(value, dict) and shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members:
                yield from out_of_bounds(member, shape.members[name], f"{where}.{name}")
    elif isinstance(value, dict) and shape.type_name == "map":
        for name, member in value.items():
            yield from out_of_bounds(name, shape.key, f"{where}.{name}")
            yield from out_of_bounds(member, shape.value, f"{where}.{name}")
    elif isinstance(value, list) and shape.type_name == "list":
        for number, item in enumerate(value):
            yield from out_of_bounds(item, shape.member, f"{where}[{number}]")
    bounds = shape.metadata
    size = value if isinstance(value, (int, float)) and not isinstance(value, bool) else len(value) if isinstance(value, (str, list, dict)) else None
    if "max" in bounds and size is not None and size > bounds["max"]:
        yield f"{where} is {size}, or so long, and not more than {bounds['max']}"
    if isinstance(value, str) and bounds.get("enum") and value not in bounds["enum"]:
        yield f"{where} is {value!r}, and none of {', '.join(bounds['enum'][:12])}"
    if isinstance(value, str) and "pattern" in bounds and not pattern(bounds["pattern"]).fullmatch(value):
        yield f"{where} is {value[:80]!r}, and not of the form {bounds['pattern']}"


@functools.cache
def pattern(text):
    """Answers a pattern of a model, which is one of Java: what lies beyond 16 bits is written there as the two halves that stand for it."""
    return regex.compile(text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"), regex.DOTALL)


def call_faults(service, name, input_):
    shape = shape_of(service, name)
    value = fit(input_, shape)
    report = ParamValidator().validate(value, shape)
    yield from (f"{service} {name}: {line}" for line in report.generate_report().splitlines())
    yield from (f"{service} {name}: {line}" for line in out_of_bounds(value, shape, name))


# ---------------------------------------------------------------------------------------------------------------------
# Policies


def policies(value):
    """Yields the policies in some properties, each with the name of the property."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name in ("PolicyDocument", "AssumeRolePolicyDocument", "x-amazon-apigateway-policy"):
                yield name, member
            else:
                yield from policies(member)
    elif isinstance(value, list):
        for item in value:
            yield from policies(item)


def policy_faults(document, of_principal):
    """Yields what is wrong with a policy ("Grammar of the IAM JSON policy language")."""
    if document.get("Version") != "2012-10-17":
        yield f"its Version is {document.get('Version')!r}, and without the newest one policy variables are plain text"
    if document.keys() - {"Version", "Id", "Statement"}:
        yield f"it has {sorted(document.keys() - {'Version', 'Id', 'Statement'})}"
    for statement in document["Statement"]:
        unknown = statement.keys() - {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
        if unknown:
            yield f"a statement has {sorted(unknown)}"
        if statement.get("Effect") not in ("Allow", "Deny"):
            yield f"a statement's Effect is {statement.get('Effect')!r}"
        if ("Action" in statement) == ("NotAction" in statement):
            yield "a statement has not one of Action and NotAction"
        if of_principal and ("Principal" in statement or ("Resource" in statement) == ("NotResource" in statement)):
            yield "a statement has a Principal, or not one of Resource and NotResource"
        if not of_principal and ("Principal" in statement) == ("NotPrincipal" in statement):
            yield "a statement has not one of Principal and NotPrincipal"
        actions, resources = as_list(statement.get("Action", [])), as_list(statement.get("Resource", []))
        for action in actions:
            prefix, _, operation = action.lower().partition(":")
            known = ACTIONS.get(prefix, {}).get("Actions", {})
            pattern_ = regex.compile(regex.escape(operation).replace(r"\*", ".*").replace(r"\?", "."))
            if operation not in known and not any(map(pattern_.fullmatch, known)):
                yield f"there is no action {action}"
            for resource in resources:
                service = prefix if resource.startswith(prefix + ":/") else resource.split(":")[2] if resource.count(":") >= 5 and resource.startswith("arn:") else None
                if resource != "*" and service != prefix:
                    yield f"{action} is not an action on {resource}"


def as_list(value):
    return value if isinstance(value, list) else [value]


# ---------------------------------------------------------------------------------------------------------------------


def faults(stack, seen):
    """Yields a sentence for each thing about a stack that AWS would refuse. What is in seen, a set, is passed over; what is not is added."""
    resolver = Resolver(stack)
    for logical_id, resource in stack.resources.items():
        kind = resource["Type"]
        if kind not in CALLS:
            yield f"{logical_id}: nothing is known of {kind}: add the calls that make it to CALLS in .ci/properties.py"
            continue
        try:
            properties = resolver.value(resource.get("Properties", {}))
            form = (logical_id, json.dumps(properties))
            if form in seen:
                continue
            seen.add(form)
            calls = list(CALLS[kind](resolver.name(logical_id), json.loads(json.dumps(properties))))
        except Unfit as unfit:
            yield f"{logical_id}: {unfit}"
            continue
        except KeyError as missing:
            yield f"{logical_id}: it has no {missing.args[0]}"
            continue
        for call in calls:
            yield from (f"{logical_id}: {line}" for line in call_faults(*call))
        for name, document in policies(properties):
            of_principal = name == "PolicyDocument" and kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy")
            yield from (f"{logical_id}: {name}: {line}" for line in policy_faults(document, of_principal))


# Changes of properties that AWS would refuse, and a word of what has to be said of each: (logical id, path, value, word).
BROKEN = [
    ("CompactionSchedule", ["Target", "Input"], '{"QueryString":"SELECT 1","ClientRequestToken":"short"}', "32"),
    ("CompactionSchedule", ["Target", "Input"], '{"Query":"SELECT 1"}', "Query"),
    ("CompactionSchedule", ["Target", "RetryPolicy", "MaximumEventAgeInSeconds"], 30, "60"),
    ("CompactionWorkGroup", ["WorkGroupConfiguration", "BytesScannedCutoffPerQuery"], "100", "10000000"),
    ("TransformFunction", ["MemorySize"], 127, "128"),
    ("TransformFunction", ["MemorySize"], "much", "type"),
    ("TransformFunction", ["Memory"], 256, "Memory"),
    ("TransformFunction", ["Runtime"], "provided.al2024", "provided.al2024"),
    ("TransformFunction", ["Role"], "TransformRole", "form"),
    ("DeliveryStream", ["ExtendedS3DestinationConfiguration", "CompressionFormat"], "SNAPPIER", "SNAPPIER"),
    ("DeliveryStream", ["ExtendedS3DestinationConfiguration", "BufferingHints", "SizeInMBs"], 256, "128"),
    ("DeliveryStream", ["ExtendedS3DestinationConfiguration", "ProcessingConfiguration", "Processors", 0, "Parameters", 0, "ParameterName"], "Lambda", "LambdaArn"),
    ("DlqQueue", ["VisibilityTimeOut"], 30, "VisibilityTimeOut"),
    ("DlqFunctionQueue", ["ScalingConfig", "MaximumConcurrency"], 1, "2"),
    ("DlqQueueAgeAlarm", ["ComparisonOperator"], "GreaterThan", "GreaterThan"),
    ("DlqQueueAgeAlarm", ["Dimensions", 0, "Value"], "", "length"),
    ("Bucket", ["LifecycleConfiguration", "Rules", 0, "Status"], "On", "Enabled"),
    ("Bucket", ["NotificationConfiguration", "QueueConfigurations", 0, "Event"], "s3:ObjectCreate:*", "s3:ObjectCreated:*"),
    ("DlqQueue", ["RedrivePolicy", "deadLetterTargetArn"], {"Fn::GetAtt": ["NoQueue", "Arn"]}, "refers to NoQueue"),
    ("DlqQueuePolicy", ["Queues"], [{"Ref": "NoQueue"}], "refers to NoQueue"),
    ("ApiLogGroup", ["LogGroupName"], {"Fn::Sub": "/hydrant/${NoQueue}"}, "refers to NoQueue"),
    ("ApiLogGroup", ["LogGroupName"], {"Fn::FindInMap": ["CodeDeploy", "Never", "Enabled"]}, "no Never"),
    ("CompactionSchedule", ["Target"], {"Input": "{}"}, "no Arn"),
    ("IngestRole", ["Description"], "a \u2014 b", "form"),
    ("IngestRole", ["Policies", 0, "PolicyDocument", "Statement", 0, "Action"], "kinesis:PutRecordz", "PutRecordz"),
    ("IngestRole", ["Policies", 0, "PolicyDocument", "Statement", 0, "Resource"], "arn:aws:s3:::bucket", "on arn:aws:s3"),
    ("IngestRole", ["Policies", 0, "PolicyDocument", "Statement", 0, "Ressource"], "*", "Ressource"),
    ("Api", ["Body", "paths", "/record", "post", "x-amazon-apigateway-integration", "type"], "awss", "AWSS"),
    ("Api", ["Body", "paths", "/record", "post", "x-amazon-apigateway-integration", "timeout"], 1, "timeout"),
    ("Api", ["Body", "x-amazon-apigateway-gateway-responses", "THROTTLE"], {"statusCode": 429}, "THROTTLE"),
    ("ApiStage", ["AccessLogSetting", "LogFormat"], "x", "LogFormat"),
    ("EventsTable", ["TableInput", "StorageDescriptor", "Columns", 0, "Kind"], "int", "Kind"),
    ("ApiLogGroup", ["LogGroupName"], "/hydrant/a b", "form"),
    ("WhereIsQuery", ["Name"], "n" * 200, "128"),
]


def changed(value, path, new):
    """Answers a copy of a value with one thing in it put or replaced."""
    if not path:
        return new
    first, *rest = path
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[first] = changed(value[first] if isinstance(value, list) else value.get(first, {}), rest, new)
    return copy


def unnoticed(stack, seen):
    """Yields the changes in BROKEN of which nothing is said: a check that takes everything proves nothing."""
    whole = stack.resources
    for logical_id, path, value, word in BROKEN:
        if logical_id not in whole:
            yield f"{logical_id}, which is no resource any more: change BROKEN"
            continue
        resource = changed(whole[logical_id], ["Properties", *path], value)
        stack.resources = whole | {logical_id: resource}
        said = [line for line in faults(stack, seen) if line.startswith(logical_id + ":")]
        if not any(word in line for line in said):
            yield f"{logical_id} with {'.'.join(map(str, path))}={value!r}: {said}"
    stack.resources = whole | {"New": {"Type": "AWS::Something::New"}}
    if not any("AWS::Something::New" in line for line in faults(stack, seen)):
        yield "a type that nothing is known of"
    stack.resources = whole


def main():
    wrong, kinds, seen, largest = [], set(), set(), None
    for _, stack in stacks(read_template()):
        wrong += faults(stack, seen)
        kinds |= {resource["Type"] for resource in stack.resources.values()}
        largest = max(largest or stack, stack, key=lambda s: len(s.resources))
    for line in dict.fromkeys(wrong):
        print(f"template.yaml: {line}", file=sys.stderr)
    missed = list(unnoticed(largest, set(seen))) if not wrong else []
    for line in missed:
        print(f".ci/properties.py does not notice {line}", file=sys.stderr)
    print(f"validated {len(seen)} forms of resources of {len(kinds)} types with botocore; of {len(BROKEN)} changes that AWS would refuse, {len(BROKEN) - len(missed)} are noticed")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
