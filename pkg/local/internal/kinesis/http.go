package kinesis

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	contentType  = "application/x-amz-json-1.1"
	targetPrefix = "Kinesis_20131202."
	// maxBody holds the largest PutRecords request: 10 MiB in base64, and JSON around 500 records.
	maxBody = 16 << 20
)

// operation answers a request, whose members it reads from d. Its error is a *fault, or something that went wrong here.
type operation func(s *Service, d *decoder, now time.Time) ([]byte, error)

var operations = map[string]operation{
	"DescribeLimits":        (*Service).describeLimits,
	"DescribeStream":        (*Service).describeStream,
	"DescribeStreamSummary": (*Service).describeStreamSummary,
	"GetRecords":            (*Service).getRecords,
	"GetShardIterator":      (*Service).getShardIterator,
	"ListShards":            (*Service).listShards,
	"ListStreams":           (*Service).listStreams,
	"PutRecord":             (*Service).putRecord,
	"PutRecords":            (*Service).putRecords,
}

const (
	templateOwns = "%s is not supported by the local runner: its streams are those of the template. Change the template and start the runner again."
	notHere      = "%s is not supported by the local runner."
)

// refuse says why a known operation is not done; unknown ones are AWS's UnknownOperationException.
func refuse(action string) error {
	switch action {
	case "AddTagsToStream", "CreateStream", "DecreaseStreamRetentionPeriod", "DeleteResourcePolicy", "DeleteStream",
		"DisableEnhancedMonitoring", "EnableEnhancedMonitoring", "IncreaseStreamRetentionPeriod", "MergeShards",
		"PutResourcePolicy", "RemoveTagsFromStream", "SplitShard", "StartStreamEncryption", "StopStreamEncryption",
		"TagResource", "UntagResource", "UpdateMaxRecordSize", "UpdateShardCount", "UpdateStreamMode",
		"UpdateStreamRecordDistributionStrategy", "UpdateStreamWarmThroughput":
		return invalidArgument(templateOwns, action)
	case "CreateChannel", "DeleteChannel", "DeregisterStreamConsumer", "DescribeAccountSettings", "DescribeChannel",
		"DescribeStreamConsumer", "GetResourcePolicy", "ListChannels", "ListStreamConsumers", "ListTagsForResource",
		"ListTagsForStream", "RegisterStreamConsumer", "SubscribeToShard", "UpdateAccountSettings", "UpdateChannel":
		return invalidArgument(notHere, action)
	}
	return &fault{Type: "UnknownOperationException", Message: fmt.Sprintf("%q is no operation of Kinesis Data Streams.", action)}
}

// bodies are what requests are read into.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ServeHTTP speaks AWS JSON 1.1. The path does not matter, as on AWS.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, err := target(r)
	if err != nil {
		s.send(w, err)
		return
	}
	body := bodies.Get().(*bytes.Buffer)
	defer func() {
		if body.Cap() <= keepBytes {
			body.Reset()
			bodies.Put(body)
		}
	}()
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			err = &fault{Type: "SerializationException", Message: fmt.Sprintf("The request is larger than %d bytes.", maxBody), Status: http.StatusRequestEntityTooLarge}
		} else {
			err = serialization("The request's body could not be read.")
		}
		s.send(w, err)
		return
	}
	status, header, answer := s.Call(r.Context(), action, body.Bytes())
	write(w, status, header, answer)
}

// target reads which operation is asked for, and refuses what does not speak the protocol.
func target(r *http.Request) (string, error) {
	action, ours := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	media = strings.TrimSpace(strings.ToLower(media))
	switch {
	case r.Method != http.MethodPost:
		return "", &fault{Type: "AccessDeniedException", Message: "Unable to determine service/operation name to be authorized", Status: http.StatusForbidden}
	case strings.Contains(media, "cbor"):
		return "", &fault{
			Type: "SerializationException", Status: http.StatusUnsupportedMediaType,
			Message: "CBOR is not supported by the local runner: send " + contentType + ". The SDKs for Java do so with CBOR disabled (AWS_CBOR_DISABLE=true).",
		}
	// API Gateway sends application/json where the integration maps no Content-Type, and Kinesis takes it.
	case media != contentType && media != "application/json" && media != "":
		return "", &fault{
			Type: "SerializationException", Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("Content-Type %q is not supported: send %s.", media, contentType),
		}
	case !ours:
		return "", &fault{Type: "UnknownOperationException", Message: "The X-Amz-Target header is not " + targetPrefix + "<Operation>."}
	}
	return action, nil
}

func (s *Service) send(w http.ResponseWriter, err error) {
	status, answer := s.failure("", err)
	write(w, status, answerHeader(), answer)
}

func write(w http.ResponseWriter, status int, header http.Header, answer []byte) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	// A client that has gone does not get its answer; there is nobody left to tell.
	_, _ = w.Write(answer)
}

// Call answers an operation as ServeHTTP does, without the socket. The body is not used after it returns.
func (s *Service) Call(_ context.Context, action string, body []byte) (status int, header http.Header, answer []byte) {
	header = answerHeader()
	answer, err := s.answer(action, body)
	if err != nil {
		status, answer = s.failure(action, err)
		return status, header, answer
	}
	return http.StatusOK, header, answer
}

func (s *Service) answer(action string, body []byte) ([]byte, error) {
	run, ok := operations[action]
	if !ok {
		return nil, refuse(action)
	}
	now := time.Now()
	if !s.calls.take(action, now) {
		return nil, &fault{Type: "LimitExceededException", Message: "Rate exceeded for " + action + " under account " + s.config.AccountID + "."}
	}
	d := newDecoder(body)
	defer d.free()
	return run(s, d, now)
}

// failure is the answer to an error.
func (s *Service) failure(action string, err error) (int, []byte) {
	var f *fault
	if !errors.As(err, &f) {
		s.config.Log.Error("kinesis", "action", action, "err", err)
		f = internalFailure()
	}
	answer, err := f.body()
	if err != nil {
		s.config.Log.Error("kinesis", "action", action, "err", err)
	}
	return f.status(), answer
}

// answerHeader has what every answer of the service has: a request id and the id that support asks for.
func answerHeader() http.Header {
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // a UUID, version 4
	var text [36]byte
	at := 0
	for i, part := range [][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			text[at] = '-'
			at++
		}
		at += hex.Encode(text[at:], part)
	}
	var extended [72]byte
	for i := 0; i < len(extended); i += 8 {
		binary.LittleEndian.PutUint64(extended[i:], rand.Uint64())
	}
	return http.Header{
		"Content-Type":     {contentType},
		"X-Amzn-Requestid": {string(text[:])},
		"X-Amz-Id-2":       {base64.StdEncoding.EncodeToString(extended[:])},
	}
}
