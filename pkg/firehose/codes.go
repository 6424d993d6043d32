package firehose

import "strings"

// Stage is the part of Firehose's work that failed.
type Stage string

// The stages, in the order in which a record goes through them.
const (
	Source         Stage = "source"         // reading the stream
	Transformation Stage = "transformation" // the transform function
	Conversion     Stage = "conversion"     // from JSON to Parquet, by the Glue table
	Delivery       Stage = "delivery"       // writing to S3
)

// Remedy says what becomes of a record that failed with a code, when nobody does anything.
type Remedy string

const (
	// Retry is for faults of the system, not of the record: they pass, or an operator ends them, and the record then goes through as it is.
	Retry Remedy = "retry"
	// Judge is for a verdict on the record itself: whether it can go through is to be judged again, by the current catalogue of events.
	Judge Remedy = "judge"
	// Keep is for what the same record would meet with again.
	Keep Remedy = "keep"
)

// Code is what is known of an error code.
type Code struct {
	Name   string
	Known  bool // it is one of [Codes]
	Stage  Stage
	Remedy Remedy
	Cause  string // one sentence
	Action string // what an operator does about it, in a sentence
}

// Retryable reports whether the same record may go through when it is sent again unchanged.
func (c Code) Retryable() bool { return c.Remedy != Keep }

// Anchor is where docs/operate.md deals with the code: the heading that is the code's name.
func (c Code) Anchor() string {
	if !c.Known {
		return "docs/operate.md#unknown-error-codes"
	}
	return "docs/operate.md#" + strings.ToLower(strings.ReplaceAll(c.Name, ".", ""))
}

// Explain says what is known of a code. Firehose's codes are an open set: one that is not in the list counts as permanent, and is said to be
// unknown; its stage follows from its first word where that is one of a known stage.
func Explain(name string) Code {
	if c, ok := byName[name]; ok {
		return c
	}
	c := Code{Name: name, Stage: Delivery, Remedy: Keep, Cause: "hydrant does not know this error code.", Action: "Look it up in the Firehose developer guide, and add it to pkg/firehose/codes.go; then redrive what was quarantined with it."}
	first, _, _ := strings.Cut(name, ".")
	switch first {
	case "Lambda", "DynamicPartitioning":
		c.Stage = Transformation
	case "DataFormatConversion":
		c.Stage = Conversion
	case "Kinesis":
		c.Stage = Source
	}
	return c
}

// Codes returns the codes that are known, by stage.
func Codes() []Code { return append([]Code(nil), codes...) }

var byName = func() map[string]Code {
	m := make(map[string]Code, len(codes))
	for i := range codes {
		codes[i].Known = true
		m[codes[i].Name] = codes[i]
	}
	return m
}()

const (
	fixFunction = "Read the transform function's log for the time of the failure."
	fixNetwork  = "Change the transform function's VpcConfig, or take it out: hydrant's function needs no VPC."
	fixTable    = "Compare the Glue table's columns with the catalogue (make generate); deploy the table before the function."
	fixBucket   = "Look at the delivery role's policy, the bucket's policy and the KMS key's; after a correction Firehose delivers what it holds (for up to 24 hours)."
)

// codes are those of "Monitor Amazon Data Firehose Using CloudWatch Logs" (Amazon Data Firehose Developer Guide) that an S3 destination with
// a Kinesis stream as source can show, and those that are seen in its error objects without being on that page.
var codes = []Code{
	{Name: "Kinesis.AccessDenied", Stage: Source, Remedy: Retry, Cause: "The delivery stream's role may not read the Kinesis stream.", Action: "Look at the delivery role's policy for the stream and, if the stream is encrypted, its key."},
	{Name: "Kinesis.ResourceNotFound", Stage: Source, Remedy: Retry, Cause: "The Kinesis stream is not there.", Action: "Create it again under its name: a deployment does not put back what was deleted by hand. The records that were in it are gone."},

	{Name: "Lambda.ProcessingFailedStatus", Stage: Transformation, Remedy: Judge, Cause: "The transform function answered ProcessingFailed for this record: an event in it is not valid, or the answer had no more room.", Action: "Query the quarantine by reason; if the events should be valid, change the catalogue, deploy, and redrive."},
	{Name: "Lambda.FunctionTimedOut", Stage: Transformation, Remedy: Retry, Cause: "The transform function took longer than its timeout, or than the five minutes that Firehose waits.", Action: "Look at the function's Duration, and at its memory size, which is its share of a processor too."},
	{Name: "Lambda.FunctionError", Stage: Transformation, Remedy: Retry, Cause: "The transform function ended with an error, crashed, or answered more than Lambda's 6 MB.", Action: fixFunction},
	{Name: "Lambda.JsonProcessingException", Stage: Transformation, Remedy: Retry, Cause: "What the transform function answered is not in the form that Firehose asks for.", Action: fixFunction},
	{Name: "Lambda.InvalidReturnFormat", Stage: Transformation, Remedy: Retry, Cause: "The transform function's answer for this record has no data, or a result that Firehose does not know.", Action: fixFunction},
	{Name: "Lambda.MissingRecordId", Stage: Transformation, Remedy: Retry, Cause: "The transform function's answer leaves this record out.", Action: fixFunction},
	{Name: "Lambda.DuplicatedRecordId", Stage: Transformation, Remedy: Retry, Cause: "The transform function's answer has this record more than once.", Action: fixFunction},
	{Name: "Lambda.InvokeLimitExceeded", Stage: Transformation, Remedy: Retry, Cause: "The transform function was throttled: the account's or the function's concurrency is used up.", Action: "Look at the account's ConcurrentExecutions, and reserve concurrency for the transform function."},
	{Name: "Lambda.InvokeAccessDenied", Stage: Transformation, Remedy: Retry, Cause: "The delivery stream's role may not invoke the transform function.", Action: "Look at the delivery role's policy: it has to name the function's versions and aliases too."},
	{Name: "Lambda.AssumeRoleAccessDenied", Stage: Transformation, Remedy: Retry, Cause: "Firehose may not assume the delivery stream's role.", Action: "Look at the trust policy of the delivery role: firehose.amazonaws.com has to be its principal."},
	{Name: "Lambda.ResourceNotFound", Stage: Transformation, Remedy: Retry, Cause: "The transform function, or the version or alias that is named, is not there.", Action: "Publish it again under its name: a deployment does not put back what was deleted by hand."},
	{Name: "Lambda.InvalidSubnetIDException", Stage: Transformation, Remedy: Retry, Cause: "Lambda could not use a subnet of the transform function's VPC configuration.", Action: fixNetwork},
	{Name: "Lambda.InvalidSecurityGroupIDException", Stage: Transformation, Remedy: Retry, Cause: "Lambda could not use a security group of the transform function's VPC configuration.", Action: fixNetwork},
	{Name: "Lambda.SubnetIPAddressLimitReachedException", Stage: Transformation, Remedy: Retry, Cause: "A subnet of the transform function's VPC configuration has no free address.", Action: fixNetwork},
	{Name: "Lambda.ENILimitReachedException", Stage: Transformation, Remedy: Retry, Cause: "The VPC of the transform function has no room for another network interface.", Action: fixNetwork},
	{Name: "Lambda.KMSAccessDeniedException", Stage: Transformation, Remedy: Retry, Cause: "Lambda may not use the key that the transform function's environment is encrypted with.", Action: "Look at the key's policy."},
	{Name: "Lambda.KMSDisabledException", Stage: Transformation, Remedy: Retry, Cause: "The key that the transform function's environment is encrypted with is disabled.", Action: "Enable the key."},
	{Name: "DynamicPartitioning.MetadataExtractionFailed", Stage: Transformation, Remedy: Keep, Cause: "Dynamic partitioning found no partition key in the record.", Action: "hydrant's template has no dynamic partitioning: see who changed the delivery stream."},

	{Name: "DataFormatConversion.ParseError", Stage: Conversion, Remedy: Judge, Cause: "What was to be converted is no JSON.", Action: "See whether the delivery stream still has the transform function as its processor: what that answers is JSON."},
	{Name: "DataFormatConversion.MalformedData", Stage: Conversion, Remedy: Judge, Cause: "A value of the row does not fit its column in the Glue table.", Action: fixTable},
	{Name: "DataFormatConversion.EntityNotFound", Stage: Conversion, Remedy: Retry, Cause: "The Glue table, or its database, is not there.", Action: "Create it again under its name, which is case-sensitive: a deployment does not put back what was deleted by hand."},
	{Name: "DataFormatConversion.AccessDenied", Stage: Conversion, Remedy: Retry, Cause: "The delivery stream's role may not read the Glue table.", Action: "Look at the delivery role's policy: glue:GetTable, GetTableVersion and GetTableVersions on the catalog, the database and the table."},

	{Name: "S3.AccessDenied", Stage: Delivery, Remedy: Retry, Cause: "The delivery stream's role may not write to the bucket.", Action: fixBucket},
	{Name: "S3.NoSuchBucket", Stage: Delivery, Remedy: Retry, Cause: "The bucket is not there.", Action: "Create the bucket again, under its name: Firehose delivers what it holds (for up to 24 hours)."},
	{Name: "S3.KMS.NotFoundException", Stage: Delivery, Remedy: Retry, Cause: "The key that the bucket is encrypted with is not there.", Action: fixBucket},
	{Name: "S3.KMS.RequestLimitExceeded", Stage: Delivery, Remedy: Retry, Cause: "The account asks more of KMS than its quota lets it.", Action: "Raise the KMS request quota, or turn on S3 Bucket Keys."},
	{Name: "S3.AccountProblem", Stage: Delivery, Remedy: Retry, Cause: "Something is wrong with the AWS account, and S3 refuses the operation.", Action: "Ask AWS Support."},
	{Name: "S3.AllAccessDisabled", Stage: Delivery, Remedy: Retry, Cause: "All access to the bucket is disabled.", Action: "Ask AWS Support."},
	{Name: "S3.InvalidPayer", Stage: Delivery, Remedy: Retry, Cause: "Access by this account is disabled for lack of a payer.", Action: "Ask AWS Support."},
	{Name: "S3.NotSignedUp", Stage: Delivery, Remedy: Retry, Cause: "The account is not signed up for S3.", Action: "Sign the account up for S3."},
	{Name: "S3.MethodNotAllowed", Stage: Delivery, Remedy: Retry, Cause: "The bucket does not allow the operation.", Action: fixBucket},
	{Name: "InternalError", Stage: Delivery, Remedy: Retry, Cause: "Firehose met with an error of its own while it delivered.", Action: "Wait: Firehose tries again. If it lasts, ask AWS Support."},
}
