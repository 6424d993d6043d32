package alarmtest

import "math"

// Alarm is when an alarm goes off.
type Alarm struct {
	Threshold          float64
	Below              bool // it is breached below the threshold, otherwise above
	Datapoints, Of     int  // so many breaching ones of so many periods
	MissingIsBreaching bool // otherwise it is not
}

// On says whether the alarm is on after these periods, which are its evaluation range: CloudWatch retrieves some more than it evaluates, and
// evaluates the newest that have a value. Only where those are too few it makes use of what missing data is taken for.
func (a Alarm) On(periods Series) bool {
	var there Series
	for _, v := range periods {
		if !math.IsNaN(v) {
			there = append(there, v)
		}
	}
	there = there[max(0, len(there)-a.Of):]
	breaching := 0
	for _, v := range there {
		if a.Below && v < a.Threshold || !a.Below && v > a.Threshold {
			breaching++
		}
	}
	if a.MissingIsBreaching {
		breaching += a.Of - len(there)
	}
	return breaching >= a.Datapoints
}
