package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"hydrant/pkg/local/internal/apigateway"
	"hydrant/pkg/local/internal/faults"
	"hydrant/pkg/local/internal/secrets"
	"hydrant/pkg/local/internal/sqs"
)

// backend is what the API's AWS integrations reach.
type backend struct{ kinesis faults.Kinesis }

// Call performs an action in process: API Gateway and Kinesis are one program here.
func (b backend) Call(ctx context.Context, c apigateway.Call) (apigateway.Answer, error) {
	if c.Service != "kinesis" {
		body := []byte(`{"__type":"UnknownOperationException","message":"the local runner has no service ` + c.Service + ` for integrations"}`)
		return apigateway.Answer{Status: http.StatusBadRequest, Header: http.Header{}, Body: body}, nil
	}
	status, header, body := b.kinesis.Call(ctx, c.Action, c.Body)
	return apigateway.Answer{Status: status, Header: header, Body: body}, nil
}

const kinesisTarget = "Kinesis_20131202."

// awsHandler is every AWS service on one address, told apart as AWS's clients write their requests: the target of the JSON protocols,
// Lambda's path, and S3 for everything else; and the control paths.
func (r *runner) awsHandler() http.Handler {
	control, objects := r.control(), r.clients.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		target := request.Header.Get("X-Amz-Target")
		switch {
		case strings.HasPrefix(request.URL.Path, "/_hydrant/"):
			control.ServeHTTP(w, request)
		case strings.HasPrefix(target, kinesisTarget):
			r.puts.ServeHTTP(w, request)
		case strings.HasPrefix(target, sqs.TargetPrefix):
			r.queues.ServeHTTP(w, request)
		case strings.HasPrefix(target, secrets.TargetPrefix):
			r.secrets.ServeHTTP(w, request)
		case strings.HasPrefix(request.URL.Path, "/2015-03-31/functions"):
			r.lambda.ServeHTTP(w, request)
		case target == "" && isS3(request):
			objects.ServeHTTP(w, request)
		default:
			notSupported(w, target)
		}
	})
}

// isS3 says whether a request is S3's: those that are signed for another service name it in their credential's scope.
func isS3(r *http.Request) bool {
	_, scope, signed := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !signed {
		return true
	}
	credential, _, _ := strings.Cut(scope, ",")
	parts := strings.Split(credential, "/")
	return len(parts) < 2 || parts[len(parts)-2] == "s3"
}

func notSupported(w http.ResponseWriter, target string) {
	message := "the local runner has Kinesis, S3, SQS, Secrets Manager and Lambda's Invoke; this request is for another service"
	if target != "" {
		message = "the local runner does not support " + target
	}
	body, err := json.Marshal(map[string]string{"__type": "UnknownOperationException", "message": message})
	if err != nil {
		panic(err) // two strings
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // the client has gone
}
