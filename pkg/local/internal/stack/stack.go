// Package stack makes of a template what CloudFormation would make of it in an account: resources with their physical ids, as the
// configurations of the runner's services.
package stack

import (
	"fmt"
	"path/filepath"
	"slices"

	"hydrant/pkg/local/internal/apigateway"
	"hydrant/pkg/local/internal/firehose"
	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/kinesis"
	"hydrant/pkg/local/internal/lambda"
	"hydrant/pkg/local/internal/secrets"
	"hydrant/pkg/local/internal/template"
)

// Account is where a stack lies.
type Account struct {
	ID, Region, Partition, URLSuffix, StackName string
	QueueURL                                    string // of the service: a queue's Ref is <QueueURL>/<ID>/<name>
}

// Resource is a resource as the control API shows it: ID is what Ref gives.
type Resource struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	ARN  string `json:"arn,omitempty"`
}

// Stack is what a template describes. Folders and callbacks of the configurations are not set.
type Stack struct {
	Parameters map[string]string
	Resources  map[string]Resource // by logical id
	LeftOut    []template.LeftOut  // what these parameters leave out
	API        *API                // nil: the template has none
	Streams    []kinesis.StreamConfig
	Existing   []string // names of those of Streams that the template only names; in Resources they stand by their names
	Deliveries []Delivery
	Functions  []Function
	Buckets    []string
	Tables     []*glue.Table

	Queues        []Queue
	Notifications []Notification
	Mappings      []Mapping
	Subscriptions []Subscription
	Asyncs        []Async // one for each function, and one for each alias

	Secrets []secrets.Secret
}

// API is a REST API and its one stage.
type API struct {
	LogicalID string
	apigateway.Config
	AccessLogGroup string // "": no access log
}

// Delivery is a Firehose stream.
type Delivery struct {
	LogicalID string
	firehose.Config
	Backup *firehose.Config // of the source records; nil: none
	at     template.Value
}

// Errorf makes an error at the place of the delivery stream in the template.
func (d Delivery) Errorf(format string, args ...any) error { return d.at.Errorf(format, args...) }

// Function is a Lambda function and the folder that it is built in.
type Function struct {
	lambda.Function
	CodeURI string // absolute
}

// Load reads the template at path with the given parameters. Errors are *template.Error with the place, wherever there is one.
func Load(path string, parameters map[string]string, account Account) (*Stack, error) {
	resolved, err := Resolve(path, parameters, account)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if resolved.Broken != nil {
		return nil, resolved.Broken
	}
	b := builder{account: account, dir: dir, out: &Stack{Parameters: resolved.Parameters, Resources: map[string]Resource{}, LeftOut: resolved.LeftOut}}
	for _, r := range resolved.Resources {
		if err := b.resource(r); err != nil {
			return nil, err
		}
	}
	return b.out, b.check()
}

// Resolve reads the template at path with the given parameters, and leaves its resources as they are written. Errors are as Load's.
func Resolve(path string, parameters map[string]string, account Account) (*template.Resolved, error) {
	t, err := template.Read(path)
	if err != nil {
		return nil, err
	}
	return t.Resolve(template.Environment{
		Parameters: parameters, AccountID: account.ID, Region: account.Region, Partition: account.Partition,
		URLSuffix: account.URLSuffix, StackName: account.StackName, Attribute: account.attribute,
	})
}

type builder struct {
	account Account
	dir     string // of the template
	out     *Stack

	apiKeys    []apigateway.APIKey
	usagePlans []*usagePlan
	planKeys   []planKey
}

// kind is a resource type that the runner knows.
type kind struct {
	naming
	// build honours the properties; nil for a type that means nothing on one machine.
	build func(*builder, template.Resource) error
	// without are properties that mean nothing on one machine.
	without []string
}

// kinds are the resource types of a template that the runner takes. A type that is not here is refused, and so is a property that
// neither build reads nor without names.
var kinds = map[string]kind{
	"AWS::Serverless::Api": {
		naming: naming{ref: apiID, attributes: apiAttributes}, build: (*builder).api,
		// The runner is the endpoint, deploys at every start, refuses what it does not understand, and traces nothing.
		without: []string{"EndpointConfiguration", "AlwaysDeploy", "FailOnWarnings", "OpenApiVersion", "TracingEnabled", "Tags", "Name", "Description"},
	},
	"AWS::Serverless::Function": {
		naming: naming{property: "FunctionName", service: "lambda", arn: "function:%s", attributes: functionAttributes}, build: (*builder).function,
		// There are no permissions to have, bootstraps are built for this machine, and nothing is traced. An alias is all that there is of
		// versions: the runner starts with the one that is built, and has no other to shift from.
		without: []string{
			"Role", "Policies", "Architectures", "Description", "Tracing", "Tags", "PermissionsBoundary",
			"AutoPublishAliasAllProperties", "DeploymentPreference", "VersionDeletionPolicy", "VersionDescription",
		},
	},
	"AWS::Kinesis::Stream": {
		naming: naming{property: "Name", service: "kinesis", arn: "stream/%s"}, build: (*builder).stream,
		without: []string{"StreamEncryption", "Tags"}, // the disk is the developer's own
	},
	"AWS::KinesisFirehose::DeliveryStream": {
		naming: naming{property: "DeliveryStreamName", service: "firehose", arn: "deliverystream/%s"}, build: (*builder).delivery,
		without: []string{"Tags"},
	},
	"AWS::S3::Bucket": {
		naming: naming{property: "BucketName", ref: bucketName, attributes: bucketAttributes}, build: (*builder).bucket,
		// Who may see a bucket, how it is encrypted and when its objects expire.
		without: []string{"BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration", "LifecycleConfiguration", "Tags"},
	},
	"AWS::Glue::Database": {naming: naming{ref: databaseName}, build: (*builder).database, without: []string{"CatalogId"}},
	"AWS::Glue::Table":    {naming: naming{ref: tableName}, build: (*builder).table},
	"AWS::Logs::LogGroup": {
		naming: naming{property: "LogGroupName", service: "logs", arn: "log-group:%s:*"}, build: (*builder).nothing,
		without: []string{"LogGroupName", "RetentionInDays", "KmsKeyId", "Tags"}, // streams are bounded by size here
	},

	"AWS::SQS::Queue": {
		naming: naming{property: "QueueName", service: "sqs", arn: "%s", ref: queueURL, nameOf: queueName, attributes: queueAttributes}, build: (*builder).queue,
		// The disk is the developer's own.
		without: []string{"SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "RedriveAllowPolicy", "Tags"},
	},
	"AWS::Logs::SubscriptionFilter": {naming: naming{property: "FilterName"}, build: (*builder).subscriptionFilter, without: []string{"RoleArn", "Distribution"}},

	"AWS::ApiGateway::ApiKey": {
		naming: naming{attributes: idAttribute("APIKeyId")}, build: (*builder).apiKey,
		without: []string{"Description", "CustomerId", "StageKeys", "Tags"}, // a usage plan says which stages a key is for
	},
	"AWS::ApiGateway::UsagePlan": {
		naming: naming{attributes: idAttribute("Id")}, build: (*builder).usagePlan, without: []string{"UsagePlanName", "Description", "Tags"},
	},
	"AWS::ApiGateway::UsagePlanKey": {naming: naming{attributes: idAttribute("Id")}, build: (*builder).usagePlanKey},
	"AWS::SecretsManager::Secret": {
		naming: naming{ref: secretARN, attributes: idAttribute("Id")}, build: (*builder).secret,
		without: []string{"KmsKeyId", "Tags"}, // the disk is the developer's own
	},

	// There is no firewall on one machine.
	"AWS::WAFv2::WebACLAssociation": {},
	// Made when it is first written to.
	"AWS::Logs::LogStream": {naming: naming{property: "LogStreamName"}},
	// There are no permissions on one machine: whoever reaches it owns it.
	"AWS::IAM::Role":                      {naming: naming{property: "RoleName", service: "iam", arn: "role/%s"}},
	"AWS::IAM::ManagedPolicy":             {naming: naming{ref: policyARN}},
	"AWS::S3::BucketPolicy":               {naming: naming{property: "Bucket"}},
	"AWS::ApiGateway::Account":            {},
	"AWS::Lambda::Permission":             {},
	"AWS::SQS::QueuePolicy":               {},
	"AWS::SNS::TopicPolicy":               {},
	"AWS::SecretsManager::ResourcePolicy": {},
	// They number what versions are made of, and there are no versions.
	"AWS::AppConfig::Application":                {},
	"AWS::AppConfig::ConfigurationProfile":       {},
	"AWS::AppConfig::HostedConfigurationVersion": {},
	// Nobody watches one machine.
	"AWS::CloudWatch::Alarm":     {naming: naming{property: "AlarmName", service: "cloudwatch", arn: "alarm:%s"}},
	"AWS::CloudWatch::Dashboard": {naming: naming{property: "DashboardName"}},
	"AWS::SNS::Topic":            {naming: naming{ref: topicARN, attributes: topicAttributes}},
	// Nothing is traced on one machine.
	"AWS::XRay::SamplingRule": {},
	// Text for Athena, which is not here.
	"AWS::Athena::NamedQuery": {},
	// Text for CloudWatch Logs Insights, which is not here either.
	"AWS::Logs::QueryDefinition": {},
	"AWS::Athena::WorkGroup":     {naming: naming{property: "Name"}},
	// It would start what is not here.
	"AWS::Scheduler::Schedule": {naming: naming{property: "Name", service: "scheduler", arn: "schedule/default/%s"}},
}

func (b *builder) resource(r template.Resource) error {
	k, ok := kinds[r.Type]
	if !ok {
		return &template.Error{File: r.File, Pos: r.Pos, Message: fmt.Sprintf("%s: the local runner does not support resources of the type %s", r.LogicalID, r.Type)}
	}
	id, err := b.account.attribute(r.LogicalID, r.Type, "", r.Properties)
	if err != nil {
		return r.Properties.Errorf("%v", err)
	}
	resource := Resource{Type: r.Type, ID: id}
	if k.hasARN() {
		if resource.ARN, err = b.account.attribute(r.LogicalID, r.Type, "Arn", r.Properties); err != nil {
			return r.Properties.Errorf("%v", err)
		}
	}
	b.out.Resources[r.LogicalID] = resource
	if k.build == nil {
		return nil
	}
	r.Properties = r.Properties.Without(k.without...)
	return k.build(b, r)
}

func (b *builder) nothing(r template.Resource) error { return r.Properties.Decode(&struct{}{}) }

func (b *builder) id(r template.Resource) Resource { return b.out.Resources[r.LogicalID] }

// check looks at what holds between resources.
func (b *builder) check() error {
	for _, d := range b.out.Deliveries {
		if err := b.source(d); err != nil {
			return err
		}
		if !slices.Contains(b.out.Buckets, d.Bucket) {
			return d.Errorf("it delivers to the bucket %q, which is not in the template", d.Bucket)
		}
		if d.Backup != nil && !slices.Contains(b.out.Buckets, d.Backup.Bucket) {
			return d.Errorf("it backs up to the bucket %q, which is not in the template", d.Backup.Bucket)
		}
		if t := d.Transform; t != nil && b.functionAt(t.FunctionARN) == nil {
			return d.Errorf("it calls the function %q, which is not in the template", t.FunctionARN)
		}
	}
	if err := b.checkEdge(); err != nil {
		return err
	}
	return b.checkMessaging()
}

// source sees to the stream that a delivery stream reads. One that is not in the template would exist in an account; here it is made, as a
// new one is on AWS, since there is nobody else who could.
func (b *builder) source(d Delivery) error {
	if slices.ContainsFunc(b.out.Streams, func(s kinesis.StreamConfig) bool { return s.Name == d.StreamName }) {
		return nil
	}
	if d.StreamName == "" || d.StreamARN != b.account.arn("kinesis", "stream/"+d.StreamName) {
		return d.Errorf("it reads the stream %s, which is neither in the template nor in this account and Region (%s, %s)", d.StreamARN, b.account.ID, b.account.Region)
	}
	name := d.StreamName
	if _, taken := b.out.Resources[name]; taken {
		name = d.StreamARN
	}
	b.out.Resources[name] = Resource{Type: "AWS::Kinesis::Stream", ID: d.StreamName, ARN: d.StreamARN}
	b.out.Streams = append(b.out.Streams, kinesis.StreamConfig{Name: d.StreamName, Mode: "ON_DEMAND"})
	b.out.Existing = append(b.out.Existing, d.StreamName)
	return nil
}

// Table answers a table by its database and name, by its name alone, or by its logical id; nil if there is none.
func (s *Stack) Table(database, name string) *glue.Table {
	for _, t := range s.Tables {
		if (database == "" || t.Database == database) && (t.Name == name || t.LogicalID == name) {
			return t
		}
	}
	return nil
}
