package main_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/template"
)

var storageRules = map[string]rule{
	"the table finds what Firehose writes": {
		why: "Athena looks only where the partition projection says: an object anywhere else is in no query",
		fix: "make Prefix and storage.location.template give the same path for every hour, within the projection's ranges",
		check: func(s *stack) (faults []string) {
			for _, moment := range moments {
				object, err := firehosePrefix(text(destination(s.Resolved), "Prefix"), moment)
				if err != nil {
					return []string{"Prefix: " + err.Error()}
				}
				partition, err := projectedPath(table(s.Resolved), moment)
				if err != nil {
					return []string{"the table: " + err.Error()}
				}
				if "s3://Bucket/"+object != partition {
					faults = append(faults, fmt.Sprintf("at %s Firehose writes to %s, and the table looks in %s", moment, object, partition))
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"hour=!{timestamp:HH}/\"\n        # Firehose", "hour=!{timestamp:H}/\"\n        # Firehose"},
			{`Prefix: "events/dt=!{timestamp:yyyy-MM-dd}`, `Prefix: "events/dt=!{timestamp:yyyy-MM}`},
			{`Prefix: "events/`, `Prefix: "event/`},
			{`projection.hour.digits: "2"`, `projection.hour.digits: "1"`},
			{"projection.hour.range: 0,23", "projection.hour.range: 1,24"},
			{"projection.dt.format: yyyy-MM-dd", "projection.dt.format: yyyy/MM/dd"},
			{"projection.dt.range: 2026-01-01,NOW", "projection.dt.range: 2027-01-01,NOW"},
			{"hour=${!hour}/", "hour=${!hour}"},
			{`projection.enabled: "true"`, `projection.enabled: "false"`},
		},
	},
	"the tables' columns are Glue's": {
		why: "a type that Glue does not know, or a column that is a partition too, fails every query",
		fix: "change the type in the catalogue; the partitions are dt and hour",
		check: func(s *stack) (faults []string) {
			for _, table := range ofType(s.Resolved, "AWS::Glue::Table") {
				input := at(table.Properties, "TableInput")
				var names []string
				for _, column := range append(items(at(input, "StorageDescriptor", "Columns")), items(at(input, "PartitionKeys"))...) {
					where := table.LogicalID + ": " + text(column, "Name")
					if _, err := glue.ParseType(text(column, "Type")); err != nil {
						faults = append(faults, where+": "+err.Error())
					}
					if slices.Contains(names, text(column, "Name")) {
						faults = append(faults, where+" stands there twice")
					}
					names = append(names, text(column, "Name"))
				}
			}
			return faults
		},
		breaks: [][2]string{{`Type: "map<string,string>"`, `Type: "map<string>"`}, {"{Name: dt, Type: string}", "{Name: test, Type: string}"}},
	},
	"errors have a folder of their own": {
		why: "Firehose puts the object's name right behind the prefix, and the table reads everything under its location",
		fix: "an ErrorOutputPrefix that begins elsewhere, holds !{firehose:error-output-type}, and ends in a slash",
		check: func(s *stack) (faults []string) {
			failures := text(destination(s.Resolved), "ErrorOutputPrefix")
			root, _, _ := strings.Cut(failures, "/")
			location := text(table(s.Resolved), "TableInput", "StorageDescriptor", "Location")
			if !strings.HasSuffix(failures, "/") || !strings.Contains(failures, "!{firehose:error-output-type}/") {
				faults = append(faults, "ErrorOutputPrefix is "+failures)
			}
			if strings.HasPrefix("s3://Bucket/"+root+"/", location) {
				faults = append(faults, "errors are under the table's "+location)
			}
			return faults
		},
		breaks: [][2]string{
			{`ErrorOutputPrefix: "errors/`, `ErrorOutputPrefix: "events/`},
			{"hour=!{timestamp:HH}/\"\n        BufferingHints", "hour=!{timestamp:HH}\"\n        BufferingHints"},
		},
	},
	"conversion keeps what it is given": {
		why: "Firehose refuses some of these settings when it deploys, and with others drops or lower-cases members silently",
		fix: "see the comments in the template",
		check: func(s *stack) (faults []string) {
			d := destination(s.Resolved)
			for path, want := range map[string]string{
				"CompressionFormat":                         "UNCOMPRESSED",
				"DataFormatConversionConfiguration/Enabled": "true",
				"DataFormatConversionConfiguration/InputFormatConfiguration/Deserializer/OpenXJsonSerDe/CaseInsensitive": "false",
				"DataFormatConversionConfiguration/SchemaConfiguration/TableName":                                        "EventsTable",
				"DataFormatConversionConfiguration/SchemaConfiguration/DatabaseName":                                     "Database",
				"ProcessingConfiguration/Enabled":                                                                        "true",
				"CloudWatchLoggingOptions/Enabled":                                                                       "true",
				"BufferingHints/SizeInMBs":                                                                               s.Parameters["DeliveryBufferMB"],
				"BufferingHints/IntervalInSeconds":                                                                       s.Parameters["DeliverySeconds"],
				"CloudWatchLoggingOptions/LogGroupName":                                                                  "DeliveryLogGroup",
			} {
				if got := text(d, strings.Split(path, "/")...); got != want {
					faults = append(faults, fmt.Sprintf("%s is %q, not %q", path, got, want))
				}
			}
			if size, _ := strconv.Atoi(text(d, "BufferingHints", "SizeInMBs")); size < 64 {
				faults = append(faults, "a stream that converts buffers 64 MB at least")
			}
			return faults
		},
		breaks: [][2]string{
			{"CaseInsensitive: false", "CaseInsensitive: true"},
			{"CompressionFormat: UNCOMPRESSED", "CompressionFormat: GZIP"},
			{"SizeInMBs: !Ref DeliveryBufferMB", "SizeInMBs: 5"},
			{"LogGroupName: !Ref DeliveryLogGroup\n          LogStreamName", "LogGroupName: !Ref ApiLogGroup\n          LogStreamName"},
		},
	},
	"the bucket is closed, and stays": {
		why: "it holds what the stack is for, and people's data",
		fix: "encryption, no public access, a life cycle, no name, Retain",
		check: func(s *stack) (faults []string) {
			bucket := only(s.Resolved, "AWS::S3::Bucket").Properties
			if at(bucket, "BucketName") != nil {
				faults = append(faults, "it has a name: a second stack could not be made")
			}
			if at(bucket, "BucketEncryption", "ServerSideEncryptionConfiguration") == nil || at(bucket, "LifecycleConfiguration", "Rules") == nil {
				faults = append(faults, "it has no encryption or no life cycle")
			}
			for _, name := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
				if text(bucket, "PublicAccessBlockConfiguration", name) != "true" {
					faults = append(faults, name+" is not true")
				}
			}
			for _, attribute := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if n := written(s.file(), "Resources", "Bucket", attribute); n == nil || n.Value != "Retain" {
					faults = append(faults, attribute+" is not Retain")
				}
			}
			return faults
		},
		breaks: [][2]string{
			{"        BlockPublicPolicy: true\n", ""},
			{"    DependsOn: DlqQueuePolicy\n    DeletionPolicy: Retain\n", "    DependsOn: DlqQueuePolicy\n"},
			{"      BucketEncryption:\n", "      BucketName: hydrant\n      BucketEncryption:\n"},
		},
	},
	"only what has a life ends": {
		why: "EventDays 0 keeps events for ever, and another number must not end anything else",
		fix: "one rule for each prefix that is written to",
		check: func(s *stack) (faults []string) {
			got := map[string]string{}
			for _, rule := range items(at(only(s.Resolved, "AWS::S3::Bucket").Properties, "LifecycleConfiguration", "Rules")) {
				if days := text(rule, "ExpirationInDays"); days != "" {
					got[text(rule, "Prefix")] = days
				}
			}
			want := map[string]string{
				"errors/": s.Parameters["ErrorDays"], "quarantine/": s.Parameters["QuarantineDays"], "redriven/": s.Parameters["QuarantineDays"],
				"athena/": "7", "source/": s.Parameters["SourceDays"],
			}
			if s.parameters["EventDays"] != "0" {
				want["events/"], want["events_by_type/"] = s.parameters["EventDays"], s.parameters["EventDays"]
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				faults = append(faults, fmt.Sprintf("objects end after %v, not %v", got, want))
			}
			return faults
		},
		breaks: [][2]string{{"  ExpireEvents: !Not [!Equals [!Ref EventDays, 0]]", "  ExpireEvents: !Equals [!Ref EventDays, 0]"}, {"Prefix: errors/, Exp", `Prefix: "", Exp`}, {"Prefix: redriven/, Exp", "Prefix: quarantine/open/, Exp"}, {"Prefix: source/, ExpirationInDays: !Ref SourceDays", "Prefix: source/, ExpirationInDays: !Ref EventDays"}, {"          - {Id: expire-source, Status: Enabled, Prefix: source/, ExpirationInDays: !Ref SourceDays}\n", ""}},
	},
	"nothing is accepted before it can be delivered": {
		why: "Firehose reads a stream from when the delivery stream is made, and conversion drops what the table does not have yet",
		fix: "DependsOn: the API on the delivery stream, the function on the table",
		check: func(s *stack) (faults []string) {
			for _, resource := range s.Resources {
				for id, want := range map[string]string{"Api": "DeliveryStream", "TransformFunction": "EventsTable"} {
					if resource.LogicalID == id && !slices.Contains(resource.DependsOn, want) {
						faults = append(faults, id+" does not wait for "+want)
					}
				}
			}
			return faults
		},
		breaks: [][2]string{{"    DependsOn: DeliveryStream\n", ""}, {"    DependsOn: EventsTable\n", ""}},
	},
	"the API waits for the role that its log is written with": {
		why: "in an account that has none yet a stage with an access log is refused, and the first deployment fails, or not, as it happens",
		fix: "a reference to ApiGatewayAccount in the API's Metadata, by CreateAccountRole: DependsOn takes no condition",
		check: func(s *stack) []string {
			want := map[bool]string{true: "ApiGatewayAccount"}[s.parameters["ApiGatewayAccountRole"] == "CREATE"]
			if got := text(resource(s.Resolved, "Api").Metadata, "AccountRole"); got != want {
				return []string{fmt.Sprintf("the API waits for %q, not for %q", got, want)}
			}
			return nil
		},
		breaks: [][2]string{
			{"      AccountRole: !If [CreateAccountRole, !Ref ApiGatewayAccount, !Ref AWS::NoValue]\n", ""},
			{"      AccountRole: !If [CreateAccountRole, !Ref ApiGatewayAccount, !Ref AWS::NoValue]\n", "      AccountRole: !If [CreateAccountRole, !Ref ApiGatewayLogRole, !Ref AWS::NoValue]\n"},
			{"CreateAccountRole: !Equals [!Ref ApiGatewayAccountRole, CREATE]", "CreateAccountRole: !Equals [!Ref ApiGatewayAccountRole, EXISTING]"},
		},
	},
}

func destination(r *template.Resolved) *template.Value {
	return at(only(r, "AWS::KinesisFirehose::DeliveryStream").Properties, "ExtendedS3DestinationConfiguration")
}

// table is the events table.
func table(r *template.Resolved) *template.Value { return resource(r, "EventsTable").Properties }
