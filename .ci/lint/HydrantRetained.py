"""A rule for cfn-lint, see rules.txt: DeletionPolicy is no property, so that rules.txt cannot ask for it."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch

KINDS = ["AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::KMS::Key"]


class HydrantRetained(CloudFormationLintRule):
    id = "E9102"
    shortdesc = "What holds data outlives the stack"
    description = "Buckets, secrets and keys have DeletionPolicy and UpdateReplacePolicy Retain: what they hold, or open, cannot be made again"
    source_url = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
    tags = ["resources"]

    def match(self, cfn):
        return [
            RuleMatch(["Resources", logical_id], f"{logical_id} has no {policy}: Retain, and what is in it goes with the stack")
            for kind in KINDS
            for logical_id, resource in cfn.get_resources(kind).items()
            for policy in ("DeletionPolicy", "UpdateReplacePolicy")
            if resource.get(policy) != "Retain"
        ]
