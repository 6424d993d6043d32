package firehose

import (
	"context"
	"encoding/json"
	"errors"
)

// A fault is a code and a message as Firehose writes them into error objects and the error log. The texts are the service's: Firehose
// developer guide, "Monitor Amazon Data Firehose using CloudWatch Logs", and error objects seen in public.
type fault struct{ code, message string }

// What an answer, or no answer, of the function does to records.
var (
	faultProcessingFailed = &fault{"Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record"}
	faultMissing          = &fault{"Lambda.MissingRecordId", "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids."}
	faultDuplicated       = &fault{"Lambda.DuplicatedRecordId", "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each record."}
	faultNoData           = &fault{"Lambda.InvalidReturnFormat", "The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok."}
	faultNotJSON          = &fault{"Lambda.JsonProcessingException", "There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the status model required by Firehose."}
	faultFormat           = &fault{"Lambda.FunctionError", "Check your function and make sure the output is in required format. In addition to that, make sure the processed records contain valid result status of Dropped, Ok, or ProcessingFailed"}
	faultFunction         = &fault{"Lambda.FunctionError", "The Lambda function was successfully invoked but it returned an error result."}
	faultTimeout          = &fault{"Lambda.FunctionTimedOut", "The Lambda function invocation timed out. Increase the Timeout setting in the Lambda function."}
	faultThrottled        = &fault{"Lambda.InvokeLimitExceeded", "The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit."}
	faultDenied           = &fault{"Lambda.InvokeAccessDenied", "Access was denied. Ensure that the access policy allows access to the Lambda function."}
	faultNoFunction       = &fault{"Lambda.ResourceNotFound", "The specified Lambda function does not exist. Use a different function that does exist."}
	faultInternal         = &fault{"InternalError", "An internal error occurred while attempting to deliver data. Delivery will be retried; if the error persists, then it will be reported to AWS for resolution."}
	faultNoTable          = &fault{"DataFormatConversion.EntityNotFound", "The specified table/database could not be found. Please ensure that the table/database exists and that the values provided in the schema configuration are correct, especially with regards to casing."}
)

// lambdaFaults says what becomes of the error codes of Lambda's Invoke.
var lambdaFaults = map[string]*fault{
	"TooManyRequestsException":  faultThrottled,
	"AccessDeniedException":     faultDenied,
	"ResourceNotFoundException": faultNoFunction,
}

// invokeFault names what went wrong with an invocation, or answers nil if the function answered. Every one of these is tried again
// (Firehose developer guide, "Handle failure in data transformation").
func invokeFault(answer []byte, functionError string, err error) *fault {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return faultTimeout
	case err != nil:
		code := errorCode(err)
		if f, ok := lambdaFaults[code]; ok {
			return f
		}
		if code == "" {
			return faultInternal
		}
		return &fault{"Lambda." + code, faultInternal.message}
	case functionError != "":
		var failure struct {
			ErrorType string `json:"errorType"`
		}
		if json.Unmarshal(answer, &failure) == nil && failure.ErrorType == "Sandbox.Timedout" {
			return faultTimeout
		}
		return faultFunction
	case len(answer) > answerLimit:
		// Lambda itself turns such an answer into the function error Function.ResponseSizeTooLarge.
		return faultFunction
	}
	return nil
}

// s3Messages are the error log's texts for S3's error codes.
var s3Messages = map[string]string{
	"AccessDenied":     "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume the role, and the access policy allows access to the S3 bucket.",
	"NoSuchBucket":     "The specified bucket does not exist. Create the bucket or use a different bucket that does exist.",
	"MethodNotAllowed": "The specified method is not allowed against this resource. Modify the bucket’s policy to allow the correct Amazon S3 operation permissions.",
}

// s3Fault names what went wrong with storing an object.
func s3Fault(err error) *fault {
	code := errorCode(err)
	if code == "" || code == "InternalError" {
		return faultInternal
	}
	message, ok := s3Messages[code]
	if !ok {
		message = faultInternal.message
	}
	return &fault{"S3." + code, message}
}

// errorCode answers the AWS error code in err, or "".
func errorCode(err error) string {
	var coded interface{ ErrorCode() string }
	if errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return ""
}
