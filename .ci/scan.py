"""Has checkov read what CloudFormation makes of template.yaml, and holds its findings against the reasons that stand in the template.

    python .ci/scan.py CHECKOV

Exits 1 with a line for each finding that no resource's Metadata gives a reason for, for each reason that gives none, and for each that nothing
needs: a suppression that outlives its finding would hide the next one. checkov knows no conditions that depend on a parameter, so of the template as
it is written it sees neither the authorizer nor the secret; it is given the stacks of .ci/expand.py instead. It knows nothing of Firehose, Glue,
alarms, subscription filters and an API's body: those are held to rules by the other checks.
"""

import json
import os
import subprocess
import sys
import tempfile

from expand import expected, stacks
from project import read_template

SUFFIX = "__"
SCAN = ["--framework", "cloudformation", "--compact", "--quiet", "--skip-download", "--output", "json"]


def variants(template):
    """Answers one template with every form that a resource has in the stacks of .ci/expand.py, without APIs' bodies: checkov takes seconds for each file.

    The second form of a resource has __2 behind its logical id, and so on; references lead to the first.
    """
    forms = {}
    for _, stack in stacks(template):
        for logical_id, resource in stack.resources.items():
            resource["Properties"].pop("Body", None)
            resource.get("Metadata", {}).pop("checkov", None)  # or it would pass over what stands there
            forms.setdefault(logical_id, {})[json.dumps(resource, sort_keys=True)] = resource
    return {
        logical_id + (f"{SUFFIX}{number}" if number > 1 else ""): resource
        for logical_id, some in forms.items()
        for number, resource in enumerate(some.values(), 1)
    }


def written(template):
    """Answers {logical id of an expansion: that of the template that it comes from}."""
    origins = {}
    for logical_id, resource in template["Resources"].items():
        for made in expected({"Resources": {logical_id: resource}}, {"DeploymentType": "AllAtOnce"}):
            origins[made] = logical_id
    return origins


def suppressions(template):
    """Answers {(logical id, check): reason}."""
    return {
        (logical_id, skip["id"]): str(skip.get("comment", "")).strip()
        for logical_id, resource in template["Resources"].items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


def scan(checkov, file):
    """Answers checkov's report of a template."""
    # Without a folder of its own it keeps notes in the user's home.
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"HOME": home, "BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"}
        done = subprocess.run([checkov, "--file", file, *SCAN], env=environment, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
        if report["summary"]["parsing_errors"] or not report["summary"]["resource_count"]:
            sys.exit(f"checkov could not read what it was given: {report['summary']}")
        return report
    except (ValueError, KeyError, TypeError):
        sys.exit(f"checkov ended with {done.returncode} and no report:\n{done.stdout}{done.stderr}")


def findings(report, origins):
    """Answers {(logical id as it is written, check): what the check asks for}."""
    found = {}
    for failure in report["results"]["failed_checks"]:
        logical_id = failure["resource"].rpartition(".")[2].partition(SUFFIX)[0]
        found[origins.get(logical_id, logical_id), failure["check_id"]] = failure["check_name"]
    return found


def faults(found, reasons):
    """Yields a sentence for each finding without a reason, and for each reason that is not one."""
    for logical_id, check in sorted(found.keys() - reasons.keys()):
        yield f"{logical_id}: {check}: {found[logical_id, check]}. Mend it, or say in the resource's Metadata (checkov: skip) why not"
    for logical_id, check in sorted(reasons.keys() - found.keys()):
        yield f"{logical_id}: nothing needs the suppression of {check} any more: remove it"
    for (logical_id, check), reason in sorted(reasons.items()):
        if len(reason.split()) < 4:
            yield f"{logical_id}: the suppression of {check} does not say why"


def main(checkov):
    template = read_template()
    reasons, origins = suppressions(template), written(template)
    resources = variants(template)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, file, indent=1)
        file.flush()
        found = findings(scan(checkov, file.name), origins)
    wrong = list(faults(found, reasons))
    for line in wrong:
        print(f"template.yaml: {line}", file=sys.stderr)
    # A scan that finds nothing would pass everything, and so would a comparison that misses a fault.
    if not found:
        print("checkov found nothing at all: it has not read the stacks", file=sys.stderr)
        return 1
    for found_, reasons_ in [({("Bucket", "CKV_1"): "x"}, {}), ({}, {("Bucket", "CKV_1"): "it is of no use here"}), ({("Bucket", "CKV_1"): "x"}, {("Bucket", "CKV_1"): "no"})]:
        if len(list(faults(found_, reasons_))) != 1:
            print(f".ci/scan.py takes the findings {found_} with the reasons {reasons_}", file=sys.stderr)
            return 1
    print(f"checkov: {len(found)} findings in {len(resources)} resources, each with its reason in template.yaml" if not wrong else f"checkov: {len(wrong)} fault(s)")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
