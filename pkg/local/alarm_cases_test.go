package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// alarmCase is a run of the service, and which of the alarms on what its own functions write are to go off if it lasts.
type alarmCase struct {
	parameters []string
	build      func(t *testing.T) (folder string) // other programs than those that are deployed
	before     func(t *testing.T, data string)    // the runner starts
	run        func(t *testing.T, p *program)
	on         []string
}

// The functions are the programs that are deployed, and the lines those that they wrote. No event is known that makes judging panic, so there, and
// nowhere else, the dlq function has another judge.
var alarmCases = map[string]alarmCase{
	"all is well":          {run: func(t *testing.T, p *program) { p.events(t, 30, 0, 0); p.flush(t) }},
	"nothing comes":        {run: func(t *testing.T, p *program) { p.flush(t) }},
	"a few invalid events": {run: func(t *testing.T, p *program) { p.events(t, 97, 3, 0); p.flush(t) }},
	"few more, day after day": {
		run: func(t *testing.T, p *program) { p.events(t, 388, 12, 0); p.flush(t) },
		on:  []string{"QuarantineGrowthAlarm"},
	},
	"a third is invalid": {
		run: func(t *testing.T, p *program) { p.events(t, 30, 15, 0); p.flush(t) },
		on:  []string{"QuarantineGrowthAlarm", "QuarantinedShareAlarm", "RejectedShareAlarm"},
	},
	"one invalid event in each record": {
		run: func(t *testing.T, p *program) {
			record := `{"Data":[` + strings.Repeat(`{"type":"page_view","url":"https://www.example.com/"},`, 9) + `{"type":"typo"}]}`
			p.accepted(t, "/records", `{"Records":[`+record+strings.Repeat(","+record, 11)+`]}`)
			p.flush(t)
		},
		on: []string{"QuarantineGrowthAlarm", "QuarantinedShareAlarm", "RedrivenShareAlarm"},
	},
	"fields that the catalogue does not know": {
		run: func(t *testing.T, p *program) { p.events(t, 20, 0, 12); p.flush(t) },
		on:  []string{"UnknownFieldsAlarm"},
	},
	"a transform that fails": {
		parameters: []string{"MaxAttempts=1", "TransformRetries=0"},
		run: func(t *testing.T, p *program) {
			p.fault(t, "lambda.TransformFunction", "error")
			p.events(t, 5, 0, 0)
			p.flush(t)
		},
		on: []string{"AttemptsExhaustedAlarm"},
	},
	"a table that is not there": {
		parameters: []string{"MaxAttempts=0"},
		run: func(t *testing.T, p *program) {
			p.fault(t, "firehose.convert", "table-missing")
			p.events(t, 5, 0, 0)
			p.flush(t)
		},
		on: []string{"AttemptsExhaustedAlarm", "QuarantinedShareAlarm"},
	},
	"a table that is not there for a while": {
		parameters: []string{"StreamMode=PROVISIONED", "ShardCount=1"},
		run: func(t *testing.T, p *program) {
			p.put(t, `{"faults":[{"link":"firehose.convert","kind":"table-missing","count":5}]}`)
			p.events(t, 5, 0, 0)
			p.flush(t)
		},
		on: []string{"RedrivenShareAlarm"},
	},
	"an error code that is new": {
		run: func(t *testing.T, p *program) {
			p.errorObject(t, failedRecord("Lambda.SomethingNew", goodEvent))
			p.flush(t)
		},
		on: []string{"QuarantinedUnknownCodeAlarm"},
	},
	"an error that no attempt mends": {
		run: func(t *testing.T, p *program) {
			p.errorObject(t, failedRecord("DynamicPartitioning.MetadataExtractionFailed", goodEvent))
			p.flush(t)
		},
		on: []string{"QuarantinedNotRetryableAlarm"},
	},
	"an event that is too large to go round": {
		run: func(t *testing.T, p *program) {
			p.errorObject(t, failedRecord("Lambda.FunctionError", strings.TrimSuffix(goodEvent, "}")+`,"x":"`+strings.Repeat("x", 1_040_000)+`"}`))
			p.flush(t)
		},
		on: []string{"QuarantinedTooLargeAlarm"},
	},
	"an event that judging panics over": {
		build: nervousDLQ,
		run: func(t *testing.T, p *program) {
			p.errorObject(t, failedRecord("Lambda.ProcessingFailedStatus", strings.Replace(goodEvent, "e-1", panics, 1)))
			p.flush(t)
		},
		on: []string{"QuarantinedPanicAlarm"},
	},
	"lines that are not Firehose's": {
		run: func(t *testing.T, p *program) { p.errorObject(t, "{}\n"); p.flush(t) },
		on:  []string{"QuarantinedNoErrorLineAlarm"},
	},
	"a stream that takes nothing": {
		run: func(t *testing.T, p *program) {
			p.events(t, 30, 0, 0)
			p.flush(t)
			p.put(t, `{"faults":[{"link":"kinesis.put","kind":"throttle"}]}`)
			if status, answer, err := send(http.MethodPost, p.api+"/record", "application/json", strings.NewReader(`{"Data":`+goodEvent+`}`)); err != nil || status != http.StatusTooManyRequests {
				t.Errorf("%d %s (%v)", status, answer, err)
			}
		},
	},
	"callers who are known": {
		parameters: []string{"Authorization=LAMBDA", "StaticTokens=true"},
		before:     knownToken,
		run:        func(t *testing.T, p *program) { p.call(t, http.StatusOK, "known", 1); p.flush(t) },
	},
	"a scan": {
		parameters: []string{"Authorization=LAMBDA", "StaticTokens=true", "AuthorizerTtl=0"},
		before:     knownToken,
		run:        func(t *testing.T, p *program) { p.call(t, http.StatusUnauthorized, "guess", 20) },
	},
	"tokens that cannot be read": {
		parameters: []string{"Authorization=LAMBDA", "StaticTokens=true"},
		before: func(t *testing.T, data string) {
			knownToken(t, data)
			file := filepath.Join(data, "secrets", "hydrant-local-TokensSecret")
			if err := os.WriteFile(file, []byte("not JSON"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		run: func(t *testing.T, p *program) { p.call(t, http.StatusInternalServerError, "known", 3) },
		on:  []string{"AuthorizerFaultsAlarm", "AuthorizerRefreshAlarm"},
	},
	"an authorizer that cannot start": {
		parameters: []string{"Authorization=LAMBDA", "JwtIssuer=no-url", "JwtAudience=hydrant"},
		run:        func(t *testing.T, p *program) { p.call(t, http.StatusInternalServerError, "any", 3) },
		on:         []string{"AuthorizerErrorsAlarm"},
	},
}

const goodEvent = `{"type":"page_view","event_id":"e-1","url":"https://www.example.com/"}`

// failedRecord is a line of an error object, as Firehose writes it.
func failedRecord(code, data string) string {
	return `{"attemptsMade":1,"arrivalTimestamp":1795341600500,"errorCode":"` + code + `","errorMessage":"m","attemptEndingTimestamp":1795341612750,"rawData":"` +
		base64.StdEncoding.EncodeToString([]byte(data)) + `"}` + "\n"
}

func (p *program) flush(t *testing.T) { p.control(t, http.MethodPost, "flush?delays=now") }

// events posts so many valid events, invalid ones, and among the valid ones some with an unknown field; each is a record.
func (p *program) events(t *testing.T, valid, invalid, unknown int) {
	t.Helper()
	var records []string
	for i := range valid {
		field := ""
		if i < unknown {
			field = `,"colour":"red"`
		}
		records = append(records, `{"Data":{"type":"page_view","url":"https://www.example.com/"`+field+`}}`)
	}
	for range invalid {
		records = append(records, `{"Data":{"type":"page_view"}}`)
	}
	p.accepted(t, "/records", `{"Records":[`+strings.Join(records, ",")+`]}`)
}

func (p *program) fault(t *testing.T, link, kind string) {
	t.Helper()
	p.put(t, `{"faults":[{"link":"`+link+`","kind":"`+kind+`"}]}`)
}

func (p *program) put(t *testing.T, faults string) {
	t.Helper()
	if status, answer, err := send(http.MethodPut, p.aws+"/_hydrant/faults", "application/json", strings.NewReader(faults)); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s (%v)", status, answer, err)
	}
}

// errorObject puts an object where Firehose puts those of its own.
func (p *program) errorObject(t *testing.T, text string) {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(p.aws, "http://"), &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "eu-west-1", MaxRetries: 1})
	if err != nil {
		t.Fatal(err)
	}
	const key = "errors/processing-failed/dt=2026-11-22/hour=10/hydrant-1-2026-11-22-10-00-00-4b6a7c52-0f0e-4f5c-9d5e-1f8b0a6c7d01"
	if _, err := client.PutObject(context.Background(), "hydrant-local-bucket", key, strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
}

const knownTokenFile = "token-of-the-test"

func knownToken(t *testing.T, data string) {
	t.Helper()
	token := staticToken(t, filepath.Join(data, "secrets", "hydrant-local-TokensSecret"))
	if err := os.WriteFile(filepath.Join(data, knownTokenFile), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
}

// call posts an event so many times, with a token: the known one, or another each time.
func (p *program) call(t *testing.T, want int, kind string, times int) {
	t.Helper()
	for i := range times {
		token := fmt.Sprint(kind, i)
		if kind == "known" {
			text, err := os.ReadFile(filepath.Join(p.data, knownTokenFile))
			if err != nil {
				t.Fatal(err)
			}
			token = string(text)
		}
		p.bearer(t, token, `{"Data":`+goodEvent+`}`, want)
	}
}

// bearer posts a body to /record with a token, and wants a status.
func (p *program) bearer(t *testing.T, token, body string, want int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.api+"/record", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != want {
		t.Fatalf("%s with %s: %d (%v), want %d", body, token, response.StatusCode, err, want)
	}
}
