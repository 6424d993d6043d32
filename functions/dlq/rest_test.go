package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"hydrant/functions/internal/runtimetest"
)

// The rest of an object that another invocation has begun is read from where that one stopped.
func TestTheRestOfAnObject(t *testing.T) {
	aws := newAWS(t)
	aws.reset(t)
	line := func(id string) string {
		record := fmt.Sprintf(`{"type":"page_view","event_id":%q,"url":"https://shop.example/"}`, id)
		return `{"errorCode":"Lambda.FunctionError","rawData":"` + base64.StdEncoding.EncodeToString([]byte(record)) + "\"}\n"
	}
	aws.objects["errors/long"] = []byte(line("done") + line("rest-1") + line("rest-2"))
	body, err := json.Marshal(map[string]any{
		"hydrant_dlq": 1, "lines": map[string]any{"bucket": bucket, "key": "errors/long", "offset": len(line("done")), "line": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(map[string]any{
		"Records": []map[string]any{{"messageId": "m", "eventSource": "aws:sqs", "body": string(body)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := runtimetest.Start(t, environment(aws.url)...)
	if got := f.Invoke(t, payload); string(got.Body) != `{"batchItemFailures":[]}` {
		t.Fatalf("%s: %s", got.Path, got.Body)
	}
	check(t, "records", aws.records(t), []string{"1 rest-1", "1 rest-2"})
}
