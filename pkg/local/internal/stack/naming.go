package stack

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"hydrant/pkg/local/internal/template"
)

// naming says what a resource type's Ref and Fn::GetAtt give, in the words of its page in the CloudFormation template reference.
type naming struct {
	property     string // gives the resource's name where the template has it
	service, arn string // of the ARN; arn holds %s for the name
	// ref answers Ref where it is not simply the name.
	ref func(a Account, logicalID string, properties *template.Value) string
	// nameOf answers what stands in the ARN where that is not Ref.
	nameOf func(id string) string
	// attributes answers what there is beside Arn; false: there is no such attribute.
	attributes func(a Account, id, attribute string, properties *template.Value) (string, bool)
}

func (n naming) hasARN() bool { return n.service != "" }

func (a Account) attribute(logicalID, resourceType, attribute string, properties *template.Value) (string, error) {
	k, ok := kinds[resourceType]
	if !ok {
		return "", fmt.Errorf("the local runner does not support resources of the type %s", resourceType)
	}
	id := a.physicalID(logicalID, k.naming, properties)
	if attribute == "" {
		return id, nil
	}
	if attribute == "Arn" && k.hasARN() {
		name := id
		if k.nameOf != nil {
			name = k.nameOf(id)
		}
		return a.arn(k.service, fmt.Sprintf(k.arn, name)), nil
	}
	if k.attributes != nil {
		if value, ok := k.attributes(a, id, attribute, properties); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("the local runner knows no attribute %s of %s", strings.TrimPrefix(attribute, "."), resourceType)
}

func (a Account) physicalID(logicalID string, n naming, properties *template.Value) string {
	if n.ref != nil {
		return n.ref(a, logicalID, properties)
	}
	if name := properties.Get(n.property); name != nil && name.Kind == template.Scalar {
		return name.Text
	}
	return a.StackName + "-" + logicalID
}

func (a Account) arn(service, resource string) string {
	region := a.Region
	if service == "iam" {
		region = ""
	}
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", a.Partition, service, region, a.ID, resource)
}

// apiID answers ten characters that stay the same from run to run, as an API's id does.
func apiID(a Account, logicalID string, _ *template.Value) string {
	sum := sha256.Sum256([]byte(a.StackName + "/" + logicalID))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:10]
}

func apiAttributes(_ Account, _, attribute string, properties *template.Value) (string, bool) {
	if stage := properties.Get("StageName"); attribute == ".Stage" && stage != nil {
		return stage.Text, true
	}
	return "", false
}

func bucketName(a Account, logicalID string, properties *template.Value) string {
	if name := properties.Get("BucketName"); name != nil {
		return name.Text
	}
	return strings.ToLower(a.StackName + "-" + logicalID)
}

func bucketAttributes(a Account, id, attribute string, _ *template.Value) (string, bool) {
	switch attribute {
	case "Arn":
		return fmt.Sprintf("arn:%s:s3:::%s", a.Partition, id), true
	case "DomainName":
		return id + ".s3." + a.URLSuffix, true
	case "RegionalDomainName":
		return id + ".s3." + a.Region + "." + a.URLSuffix, true
	}
	return "", false
}

func databaseName(a Account, logicalID string, properties *template.Value) string {
	if name := properties.Get("DatabaseInput").Get("Name"); name != nil {
		return name.Text
	}
	return strings.ToLower(a.StackName + "-" + logicalID)
}

func tableName(a Account, logicalID string, properties *template.Value) string {
	if name := properties.Get("TableInput").Get("Name"); name != nil {
		return name.Text
	}
	return strings.ToLower(a.StackName + "-" + logicalID)
}

func policyARN(a Account, logicalID string, properties *template.Value) string {
	name := a.StackName + "-" + logicalID
	if given := properties.Get("ManagedPolicyName"); given != nil {
		name = given.Text
	}
	return a.arn("iam", "policy/"+name)
}

func queueURL(a Account, logicalID string, properties *template.Value) string {
	name := a.StackName + "-" + logicalID
	if given := properties.Get("QueueName"); given != nil {
		name = given.Text
	}
	return a.QueueURL + "/" + a.ID + "/" + name
}

func queueName(url string) string { return lastPart(url, "/") }

func queueAttributes(_ Account, id, attribute string, _ *template.Value) (string, bool) {
	switch attribute {
	case "QueueName":
		return queueName(id), true
	case "QueueUrl":
		return id, true
	}
	return "", false
}

func topicARN(a Account, logicalID string, properties *template.Value) string {
	name := a.StackName + "-" + logicalID
	if given := properties.Get("TopicName"); given != nil {
		name = given.Text
	}
	return a.arn("sns", name)
}

func topicAttributes(_ Account, id, attribute string, _ *template.Value) (string, bool) {
	switch attribute {
	case "TopicArn":
		return id, true
	case "TopicName":
		return lastPart(id, ":"), true
	}
	return "", false
}
