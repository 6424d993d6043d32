package kinesis

import "strings"

// arn is a stream's: arn:aws:kinesis:<region>:<account>:stream/<name>.
type arn struct{ region, account, name string }

func parseARN(s string) (arn, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && parts[2] == "kinesis" {
		if name, ok := strings.CutPrefix(parts[5], "stream/"); ok && isName(name) {
			return arn{region: parts[3], account: parts[4], name: name}, nil
		}
	}
	return arn{}, invalidArgument("StreamARN %s is not the ARN of a stream.", s)
}
