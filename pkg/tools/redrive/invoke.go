package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"hydrant/pkg/tools/internal/awscli"
)

// localFunction is the name that the local runner gives to the template's DlqFunction, with its alias.
const localFunction = "hydrant-local-DlqFunction:live"

// whom is who is asked, in words.
func (o *options) whom() string {
	if o.stack == "" {
		return "the local runner at " + o.endpoint
	}
	return "the stack " + o.stack
}

type invoker func(ctx context.Context, payload []byte) ([]byte, error)

// invoker is how the dlq function is reached.
func (o *options) invoker(ctx context.Context) (invoker, error) {
	if o.stack == "" {
		name := cmp.Or(o.function, localFunction)
		return func(ctx context.Context, payload []byte) ([]byte, error) {
			return invokeLocal(ctx, o.endpoint, name, payload)
		}, nil
	}
	name := o.function
	if name == "" {
		var err error
		if name, err = awscli.Resource(ctx, o.stack, "DlqFunctionAliaslive"); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		answer, failed, err := awscli.Invoke(ctx, name, payload)
		return checked(name, answer, failed, err)
	}, nil
}

// invokeLocal calls Lambda's Invoke API without a signature, which the runner does not ask for.
func invokeLocal(ctx context.Context, endpoint, name string, payload []byte) (answer []byte, err error) {
	address := endpoint + "/2015-03-31/functions/" + url.PathEscape(name) + "/invocations"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no local runner (make run starts one; STACK=name asks a deployed stack): %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", name, response.Status, bytes.TrimSpace(answer))
	}
	return checked(name, answer, response.Header.Get("X-Amz-Function-Error"), err)
}

// checked makes an error of a function's failure. Its message says what the function expected.
func checked(name string, answer []byte, functionError string, err error) ([]byte, error) {
	if err == nil && functionError != "" {
		err = fmt.Errorf("%s failed: %s", name, bytes.TrimSpace(answer))
	}
	return answer, err
}
