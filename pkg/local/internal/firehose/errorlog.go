package firehose

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"
)

// logLinesPerSecond bounds the error log: "Firehose samples delivery error logs" when failures are many, without saying how.
const logLinesPerSecond = 10

// errorLog writes the delivery stream's error log (Firehose developer guide, "Monitor Amazon Data Firehose using CloudWatch Logs").
type errorLog struct {
	cfg   *Config
	logs  Logs
	tally *tally

	mu     sync.Mutex
	second int64
	lines  int
}

// logLine has its members in the order of the service's lines.
type logLine struct {
	DeliveryStreamARN       string `json:"deliveryStreamARN"`
	Destination             string `json:"destination"`
	DeliveryStreamVersionID any    `json:"deliveryStreamVersionId"`
	Message                 string `json:"message"`
	ErrorCode               string `json:"errorCode"`
	Processor               string `json:"processor,omitempty"`
}

// write logs one fault; processor is the function's ARN if the fault is the transformation's.
func (l *errorLog) write(f *fault, processor string) {
	if l.cfg.LogGroup == "" {
		return
	}
	line := logLine{
		DeliveryStreamARN: l.cfg.ARN, Destination: "arn:aws:s3:::" + l.cfg.Bucket, DeliveryStreamVersionID: streamVersion,
		Message: f.message, ErrorCode: f.code, Processor: processor,
	}
	if strings.HasPrefix(f.code, "S3.") {
		// Captured lines have the version as a string for these codes, and as a number for all others.
		line.DeliveryStreamVersionID = strconv.Itoa(streamVersion)
	}
	now := time.Now()
	text, err := json.Marshal(line)
	if err == nil && l.admit(now) {
		err = l.logs.Put(l.cfg.LogGroup, l.cfg.LogStream, now, string(text))
		if err == nil {
			l.tally.update(func(s *Stats) { s.LogLines++ })
			return
		}
	}
	l.tally.update(func(s *Stats) {
		s.LogDropped++
		if err != nil {
			s.LastError = "error log: " + err.Error()
		}
	})
}

// admit says whether another line may be written in this second.
func (l *errorLog) admit(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Unix(); second != l.second {
		l.second, l.lines = second, 0
	}
	l.lines++
	return l.lines <= logLinesPerSecond
}
