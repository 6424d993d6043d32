package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// ServeHTTP is Lambda's Invoke API: POST /2015-03-31/functions/{name}/invocations, for the invocation types RequestResponse and DryRun, and
// for Event if something accepts events.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, functionError, err := s.serve(r)
	w.Header().Set("Content-Type", "application/json")
	var fault *Error
	switch {
	case errors.As(err, &fault):
		w.Header().Set("X-Amzn-ErrorType", fault.Code)
		w.WriteHeader(fault.Status)
		answer = faultDocument(fault)
	case errors.Is(err, context.Canceled):
		return // the client has gone
	case err != nil:
		w.Header().Set("X-Amzn-ErrorType", "ServiceException")
		w.WriteHeader(http.StatusInternalServerError)
		answer = faultDocument(&Error{Message: err.Error()})
	case answer == nil && r.Header.Get("X-Amz-Invocation-Type") == "Event":
		w.WriteHeader(http.StatusAccepted)
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		if functionError != "" {
			w.Header().Set("X-Amz-Function-Error", functionError)
		}
	}
	_, _ = w.Write(answer) // the client has gone
}

func faultDocument(fault *Error) []byte {
	document, err := json.Marshal(map[string]string{"Type": "User", "Message": fault.Message})
	if err != nil {
		panic(err) // two strings
	}
	return document
}

// serve answers an Invoke request; the answer of a dry run is nil, and that of an event.
func (s *Service) serve(r *http.Request) (answer []byte, functionError string, err error) {
	path, found := strings.CutPrefix(r.URL.EscapedPath(), "/2015-03-31/functions/")
	escaped, isInvoke := strings.CutSuffix(path, "/invocations")
	name, err := url.PathUnescape(escaped)
	if !found || !isInvoke || r.Method != http.MethodPost || err != nil {
		return nil, "", &Error{"UnknownOperationException", "the local runner serves Lambda's Invoke only: the template owns the functions", http.StatusNotFound}
	}
	if q := r.URL.Query().Get("Qualifier"); q != "" {
		name += ":" + q
	}
	kind := r.Header.Get("X-Amz-Invocation-Type")
	switch {
	case kind == "DryRun":
		_, _, err := s.lookup(name)
		return nil, "", err
	case kind == "" || kind == "RequestResponse" || kind == "Event" && s.config.Event != nil:
	default:
		return nil, "", &Error{"InvalidParameterValueException", "the local runner supports the invocation types RequestResponse, Event and DryRun", http.StatusBadRequest}
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, MaxRequest+1))
	if err != nil {
		return nil, "", context.Canceled
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if !json.Valid(payload) && len(payload) <= MaxRequest {
		return nil, "", &Error{"InvalidRequestContentException", "Could not parse request body into json", http.StatusBadRequest}
	}
	if kind == "Event" {
		_, arn, err := s.lookup(name)
		if err == nil {
			_, err = s.config.Event(arn, payload)
		}
		return nil, "", err
	}
	return s.Invoke(r.Context(), name, payload)
}
