"""A rule for cfn-lint, see rules.txt: what it needs a parameter's bounds for."""

from cfnlint.rules import CloudFormationLintRule, RuleMatch

LEAST = 64


class HydrantConversion(CloudFormationLintRule):
    id = "E9101"
    shortdesc = "Firehose gathers 64 MB at least where it converts"
    description = "A delivery stream with a conversion is refused with a smaller buffer (BufferingHints), and CloudFormation's schema knows nothing of it"
    source_url = "https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html"
    tags = ["firehose"]

    def __init__(self):
        super().__init__()
        self.resource_property_types = ["AWS::KinesisFirehose::DeliveryStream"]

    def match_resource_properties(self, properties, _, path, cfn):
        destination = properties.get("ExtendedS3DestinationConfiguration", {})
        if not destination.get("DataFormatConversionConfiguration", {}).get("Enabled"):
            return []
        size = destination.get("BufferingHints", {}).get("SizeInMBs", 0)
        if isinstance(size, dict) and "Ref" in size:
            size = cfn.template.get("Parameters", {}).get(size["Ref"], {}).get("MinValue", 0)
        if isinstance(size, (int, float)) and size >= LEAST:
            return []
        where = [*path, "ExtendedS3DestinationConfiguration"]
        return [RuleMatch(where, f"SizeInMBs may be less than {LEAST}, which Firehose refuses for a stream that converts")]
