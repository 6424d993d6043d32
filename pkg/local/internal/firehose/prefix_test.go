package firehose

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestPrefixes(t *testing.T) {
	at := time.Date(2026, time.September, 5, 23, 4, 6, 78_900_000, time.UTC)
	for name, tc := range map[string]struct{ objects, failures, zone, wantObjects, wantFailures string }{
		"no prefixes at all": {"", "", "", "2026/09/05/23/", "processing-failed/2026/09/05/23/"},
		"text only: the date is put behind it, without a slash": {"raw", "", "", "raw2026/09/05/23/", "rawprocessing-failed/2026/09/05/23/"},
		"text with a slash": {"raw/", "", "", "raw/2026/09/05/23/", "raw/processing-failed/2026/09/05/23/"},
		"a timestamp: nothing is appended": {
			"a/!{timestamp:yyyy}/!{timestamp:MM}/", "b/!{firehose:error-output-type}/", "", "a/2026/09/", "b/processing-failed/",
		},
		"hive style with quotes": {
			"!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH}/", "e/!{timestamp:yyyy-MM-dd}/!{firehose:error-output-type}", "",
			"year=2026/month=09/day=05/hour=23/", "e/2026-09-05/processing-failed",
		},
		"error type twice":       {"", "!{firehose:error-output-type}-!{firehose:error-output-type}/", "", "2026/09/05/23/", "processing-failed-processing-failed/"},
		"error prefix as text":   {"", "errors/", "", "2026/09/05/23/", "errors/"},
		"a time zone ahead":      {"!{timestamp:yyyy/MM/dd/HH}/", "x!{firehose:error-output-type}!{timestamp:HH}/", "Asia/Seoul", "2026/09/06/08/", "xprocessing-failed08/"},
		"a time zone behind":     {"", "", "America/New_York", "2026/09/05/19/", "processing-failed/2026/09/05/19/"},
		"two-digit year":         {"!{timestamp:yy}/", "!{firehose:error-output-type}", "", "26/", "processing-failed"},
		"single letters":         {"!{timestamp:y-M-d-H-m-s}/", "!{firehose:error-output-type}", "", "2026-9-5-23-4-6/", "processing-failed"},
		"names":                  {"!{timestamp:MMM MMMM EEE EEEE}/", "!{firehose:error-output-type}", "", "Sep September Sat Saturday/", "processing-failed"},
		"twelve hours":           {"!{timestamp:hh K a kk}/", "!{firehose:error-output-type}", "", "11 11 PM 23/", "processing-failed"},
		"fraction":               {"!{timestamp:ssSSS}/", "!{firehose:error-output-type}", "", "06078/", "processing-failed"},
		"day of the year":        {"!{timestamp:yyyy/DDD}/", "!{firehose:error-output-type}", "", "2026/248/", "processing-failed"},
		"quoted quote":           {"!{timestamp:yyyy''MM'o''clock'}/", "!{firehose:error-output-type}", "", "2026'09o'clock/", "processing-failed"},
		"an exclamation mark":    {"wow!/!{timestamp:HH}/", "!{firehose:error-output-type}", "", "wow!/23/", "processing-failed"},
		"a brace on its own":     {"a}{/!{timestamp:HH}/", "!{firehose:error-output-type}", "", "a}{/23/", "processing-failed"},
		"only quoted text":       {"!{timestamp:'x'}/", "!{firehose:error-output-type}", "", "x/", "processing-failed"},
		"longest prefix allowed": {strings.Repeat("x", 498), "e/", "", strings.Repeat("x", 498) + "2026/09/05/23/", "e/"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, failures, err := parsePrefixes(tc.objects, tc.failures, tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			if got := objects.evaluate(at, ""); got != tc.wantObjects {
				t.Errorf("Prefix %q: got %q, want %q", tc.objects, got, tc.wantObjects)
			}
			if got := failures.evaluate(at, processingFailed); got != tc.wantFailures {
				t.Errorf("ErrorOutputPrefix %q: got %q, want %q", tc.failures, got, tc.wantFailures)
			}
		})
	}
}

func TestRandomStrings(t *testing.T) {
	objects, failures, err := parsePrefixes("!{firehose:random-string}/!{firehose:random-string}/", "e/!{firehose:error-output-type}/!{firehose:random-string}/", "")
	if err != nil {
		t.Fatal(err)
	}
	// A prefix with expressions but no timestamp has the date appended as one without any.
	got := objects.evaluate(time.Unix(0, 0), "")
	match := regexp.MustCompile(`^(\S{11})/(\S{11})/1970/01/01/00/$`).FindStringSubmatch(got)
	if match == nil || match[1] == match[2] {
		t.Errorf("got %q, want two different random strings and the date", got)
	}
	if got := failures.evaluate(time.Unix(0, 0), processingFailed); !regexp.MustCompile(`^e/processing-failed/\S{11}/$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
}

func TestPrefixesRefused(t *testing.T) {
	const expression = "!{timestamp:yyyy}/"
	for name, tc := range map[string]struct{ objects, failures, zone, want string }{
		"error type among objects":           {"!{firehose:error-output-type}/", "x/", "", "may stand in ErrorOutputPrefix only"},
		"expressions without error prefix":   {expression, "", "", "must be given"},
		"error prefix without its type":      {expression, "errors/" + expression, "", "must then contain !{firehose:error-output-type}"},
		"never closed":                       {"!{timestamp:yyyy", "x", "", "never closed"},
		"no namespace":                       {"!{yyyy}", "x", "", "!{namespace:value}"},
		"unknown namespace":                  {"!{date:yyyy}", "x", "", "namespace must be"},
		"unknown value":                      {"!{firehose:id}", "x", "", "random-string"},
		"dynamic partitioning":               {"!{partitionKeyFromLambda:k}/", "x", "", "dynamic partitioning"},
		"empty format":                       {"!{timestamp:}", "x", "", "format is missing"},
		"year of the week":                   {"!{timestamp:YYYY}", "x", "", "write yyyy"},
		"unknown letter":                     {"!{timestamp:yyyyTHH}", "x", "", `letter "T"`},
		"too many letters":                   {"!{timestamp:HHH}", "x", "", "too many letters"},
		"reserved character":                 {"!{timestamp:[yyyy]}", "x", "", "reserved"},
		"quote never closed":                 {"!{timestamp:yyyy'}", "x", "", "never closed"},
		"unknown time zone":                  {"", "", "Mars/Olympus", "CustomTimeZone"},
		"this machine's zone":                {"", "", "Local", "CustomTimeZone"},
		"too long once it is evaluated":      {strings.Repeat("x", 500), "", "", "512 are allowed"},
		"error prefix too long":              {"", strings.Repeat("x", 500) + "!{firehose:error-output-type}", "", "512 are allowed"},
		"an expression within an expression": {"!{timestamp:!{timestamp:yyyy}}", "x", "", "reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := parsePrefixes(tc.objects, tc.failures, tc.zone)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestObjectSuffix(t *testing.T) {
	got := objectSuffix("events", time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), ".parquet")
	want := regexp.MustCompile(`^events-1-2026-01-02-02-04-05-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.parquet$`)
	if !want.MatchString(got) {
		t.Errorf("got %q", got)
	}
}

// What is accepted evaluates within the limit, the same twice but for random strings, and keeps text outside expressions.
func FuzzPrefix(f *testing.F) {
	for _, seed := range []string{"", "raw/", "!{timestamp:yyyy/MM/dd/HH}/", "a=!{timestamp:'x'yy''}/!{firehose:random-string}", "!{firehose:error-output-type}/!{", "!{timestamp:YYYY}"} {
		f.Add(seed, "e/!{firehose:error-output-type}/!{timestamp:DDD}/", int64(1_790_000_000_000))
	}
	f.Fuzz(func(t *testing.T, objects, failures string, millis int64) {
		at := time.UnixMilli(millis % 4_000_000_000_000)
		object, failure, err := parsePrefixes(objects, failures, "")
		if err != nil {
			return
		}
		if got := object.evaluate(at, ""); len(got) > maxPrefixLength+16 {
			t.Errorf("%q evaluates to %d characters", objects, len(got))
		}
		if !strings.Contains(objects, "!{") && !strings.HasPrefix(object.evaluate(at, ""), objects) {
			t.Errorf("%q evaluates to %q", objects, object.evaluate(at, ""))
		}
		if got := failure.evaluate(at, processingFailed); strings.Contains(failures, "!{") && !strings.Contains(got, processingFailed) {
			t.Errorf("%q evaluates to %q", failures, got)
		}
	})
}
