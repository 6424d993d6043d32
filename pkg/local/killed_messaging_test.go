package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const notifying = `Resources:
  Work: {Type: AWS::SQS::Queue}
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      NotificationConfiguration:
        QueueConfigurations: [{Event: s3:ObjectCreated:*, Queue: !GetAtt Work.Arn}]
`

// accepted are the messages and objects that the runner said it had.
type accepted struct {
	mu   sync.Mutex
	all  map[string]bool
	next int
}

func (a *accepted) name(kind string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next++
	return fmt.Sprintf("%s-%06d", kind, a.next)
}

func (a *accepted) add(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[name] = true
}

// write sends messages and puts objects until the runner is gone.
func (a *accepted) write(t *testing.T, aws string, done *sync.WaitGroup) {
	client, err := minio.New(strings.TrimPrefix(aws, "http://"), &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "eu-west-1", MaxRetries: 1})
	if err != nil {
		t.Fatal(err)
	}
	done.Go(func() {
		for {
			name := a.name("message")
			status, _, err := callAWS(aws, "AmazonSQS.SendMessage", []byte(`{"QueueUrl":"`+aws+`/000000000000/hydrant-local-Work","MessageBody":"`+name+`"}`))
			if err != nil {
				return
			}
			if status == 200 {
				a.add(name)
			}
		}
	})
	done.Go(func() {
		for {
			name := a.name("object")
			if _, err := client.PutObject(t.Context(), "hydrant-local-bucket", name, strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
				return
			}
			a.add(name)
		}
	})
}

func TestWhatWasAcceptedOutlivesKill(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "t.yaml")
	if err := os.WriteFile(file, []byte(notifying), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &accepted{all: map[string]bool{}}
	arguments := []string{"-quiet", "-template", file, "-data", filepath.Join(dir, "data")}
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for range 4 {
		p, err := launch(arguments...)
		if err != nil {
			t.Fatal(err)
		}
		var writers sync.WaitGroup
		before := len(a.all)
		for range 2 {
			a.write(t, p.aws, &writers)
		}
		enough := before + 50 + random.IntN(200)
		for {
			a.mu.Lock()
			n := len(a.all)
			a.mu.Unlock()
			if n >= enough {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if err := p.end(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		writers.Wait()
	}
	p, err := launch(arguments...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}()
	if status, body, err := send("POST", p.aws+"/_hydrant/flush", "", nil); err != nil || status != 200 {
		t.Fatalf("got %d %s, %v", status, body, err)
	}
	stored := drain(t, p.aws)
	lost := 0
	for name := range a.all {
		if !stored[name] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d are lost (kills by seed %d)", lost, len(a.all), seed)
	}
	t.Logf("%d accepted, %d in the queue", len(a.all), len(stored))
}

// drain answers the bodies of all messages of the queue, and the keys of those that are notifications.
func drain(t *testing.T, aws string) map[string]bool {
	t.Helper()
	stored := map[string]bool{}
	for {
		_, body, err := callAWS(aws, "AmazonSQS.ReceiveMessage", []byte(`{"QueueUrl":"`+aws+`/000000000000/hydrant-local-Work","MaxNumberOfMessages":10,"VisibilityTimeout":43200}`))
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Messages []struct{ Body string } }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		if len(answer.Messages) == 0 {
			return stored
		}
		for _, m := range answer.Messages {
			stored[m.Body] = true
			var notification struct {
				Records []struct {
					S3 struct{ Object struct{ Key string } }
				}
			}
			if json.Unmarshal([]byte(m.Body), &notification) == nil {
				for _, r := range notification.Records {
					stored[r.S3.Object.Key] = true
				}
			}
		}
	}
}
