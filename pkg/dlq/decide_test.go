package dlq

import (
	"testing"
	"time"

	"hydrant/pkg/event"
	"hydrant/pkg/firehose"
)

func TestDecide(t *testing.T) {
	const (
		judged    = "Lambda.ProcessingFailedStatus"
		transient = "Lambda.FunctionTimedOut"
		table     = "DataFormatConversion.EntityNotFound"
		malformed = "DataFormatConversion.MalformedData"
		permanent = "DynamicPartitioning.MetadataExtractionFailed"
		unknown   = "Lambda.NeverHeardOf"
	)
	round := func(attempt int, delay time.Duration) decision {
		return decision{round: true, attempt: attempt, delay: delay}
	}
	keep := func(why event.Reason) decision { return decision{reason: why} }
	for name, tc := range map[string]struct {
		code    string
		attempt int
		found   found
		large   bool
		want    decision
	}{
		"a valid event of a record that was not processed":       {judged, 0, valid, false, round(1, 0)},
		"the same, the second time":                              {judged, 1, valid, false, round(2, time.Minute)},
		"the same, too often":                                    {judged, 6, valid, false, keep(AttemptsExhausted)},
		"an invalid one":                                         {judged, 0, invalid, false, keep("")},
		"an invalid one, when attempts are used up":              {judged, 6, invalid, false, keep("")},
		"a timeout, first":                                       {transient, 0, valid, false, round(1, 0)},
		"a timeout, second":                                      {transient, 1, valid, false, round(2, time.Minute)},
		"a timeout, third":                                       {transient, 2, valid, false, round(3, 5*time.Minute)},
		"a timeout, fourth":                                      {transient, 3, valid, false, round(4, 15*time.Minute)},
		"a timeout, fifth":                                       {transient, 4, valid, false, round(5, 15*time.Minute)},
		"a timeout, sixth":                                       {transient, 5, valid, false, round(6, 15*time.Minute)},
		"a timeout, too often":                                   {transient, 6, valid, false, keep(AttemptsExhausted)},
		"a timeout, much too often":                              {transient, 7, valid, false, keep(AttemptsExhausted)},
		"a timeout: whether it is valid, the transform will say": {transient, 0, invalid, false, round(1, 0)},
		"a timeout of what cannot be read":                       {transient, 0, unreadable, false, keep("")},
		"a table that is missing":                                {table, 0, valid, false, round(1, 0)},
		"a row that does not fit, of an event that is valid":     {malformed, 2, valid, false, round(3, 5*time.Minute)},
		"a row that does not fit, of one that no longer is":      {malformed, 2, invalid, false, keep("")},
		"a permanent error":                                      {permanent, 0, valid, false, keep(NotRetryable)},
		"an unknown code":                                        {unknown, 0, valid, false, keep(UnknownCode)},
		"an unknown code, invalid":                               {unknown, 0, invalid, false, keep(UnknownCode)},
		"an unknown code, unreadable":                            {unknown, 0, unreadable, false, keep("")},
		"too large":                                              {transient, 0, valid, true, keep(TooLarge)},
		"too large, invalid":                                     {judged, 0, invalid, true, keep("")},
	} {
		t.Run(name, func(t *testing.T) {
			s := situation{code: firehose.Explain(tc.code), attempt: tc.attempt, maxAttempts: 6, found: tc.found, fits: !tc.large}
			if got := decide(s); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// Of every code, every attempt and every finding: what goes round has one attempt more and keeps to the bound, and SQS can delay it so long.
func TestEveryDecision(t *testing.T) {
	codes := append(firehose.Codes(), firehose.Explain("Some.New"))
	for _, code := range codes {
		for attempt := range 9 {
			for _, found := range []found{valid, invalid, unreadable} {
				d := decide(situation{code: code, attempt: attempt, maxAttempts: 6, found: found, fits: true})
				if d.round && (d.attempt != attempt+1 || d.attempt > 6 || d.delay > 15*time.Minute || found == unreadable || !code.Known || d.reason != "") {
					t.Errorf("%s, attempt %d, %d: %+v", code.Name, attempt, found, d)
				}
				if !d.round && d.reason == "" && found == valid {
					t.Errorf("%s, attempt %d: quarantined without a reason", code.Name, attempt)
				}
			}
		}
	}
}

// An outage of half an hour passes before the last attempt.
func TestDelaysOutlastAnOutage(t *testing.T) {
	var all time.Duration
	for n := 1; n <= 6; n++ {
		all += delay(n)
	}
	if all < 31*time.Minute {
		t.Errorf("six attempts are over after %v", all)
	}
}
