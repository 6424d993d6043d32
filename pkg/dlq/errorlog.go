package dlq

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"hydrant/pkg/firehose"
)

// maxLog bounds what a piece of the log may be when it is unzipped. CloudWatch Logs sends at most some megabytes.
const maxLog = 64 << 20

// errorLog counts the codes in a piece of Firehose's error log ("Log group-level subscription filters", Amazon CloudWatch Logs User Guide:
// JSON, in gzip, in base64). Nothing can be sent round from it: its events say what failed, and carry none of the data.
func (j *job) errorLog(data *string) error {
	unzipped, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(*data)))
	if err != nil {
		return errors.New("awslogs.data is not gzip in base64")
	}
	var piece struct {
		Type   string `json:"messageType"`
		Events []struct {
			Message string `json:"message"`
		} `json:"logEvents"`
	}
	text, err := io.ReadAll(io.LimitReader(unzipped, maxLog))
	if err != nil {
		return errors.New("awslogs.data is not gzip in base64, or more than is expected of a subscription")
	}
	if err := json.Unmarshal(text, &piece); err != nil {
		return errors.New("awslogs.data is not the JSON of a subscription")
	}
	switch piece.Type {
	case "CONTROL_MESSAGE": // CloudWatch Logs tries whether the destination is there
		return nil
	case "DATA_MESSAGE":
	default:
		return fmt.Errorf("awslogs.data: expected a messageType of DATA_MESSAGE or CONTROL_MESSAGE, not one of %d characters", len(piece.Type))
	}
	for _, e := range piece.Events {
		j.report.LogEvents++
		parsed, err := firehose.ParseLogEvent([]byte(e.Message))
		if err != nil {
			parsed.Code = ""
		}
		j.report.Logged[codeName(parsed.Code)]++
	}
	return nil
}
