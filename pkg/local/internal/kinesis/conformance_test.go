package kinesis

import (
	"net/http/httptest"
	"strings"
	"testing"

	"hydrant/pkg/local/internal/kinesis/kinesistest"
)

func TestConformance(t *testing.T) {
	server := httptest.NewServer(newService(t))
	defer server.Close()
	if err := kinesistest.Check(t.Context(), kinesistest.Target{URL: server.URL, Stream: "events", Do: server.Client().Do}); err != nil {
		t.Error(err)
	}
}

// A kit that finds nothing wrong with a service that has two shards where it was promised one checks nothing.
func TestConformanceKitFindsFaults(t *testing.T) {
	server := httptest.NewServer(newService(t, StreamConfig{Name: "events", Mode: "PROVISIONED", Shards: 2}))
	defer server.Close()
	err := kinesistest.Check(t.Context(), kinesistest.Target{URL: server.URL, Stream: "events", Do: server.Client().Do})
	for _, want := range []string{"K1", "K3", "K4", "K5", "K8", "K9"} {
		if err == nil || !strings.Contains(err.Error(), want+" ") {
			t.Errorf("%s passes: %v", want, err)
		}
	}
}
