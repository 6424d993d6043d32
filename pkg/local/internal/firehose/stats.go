package firehose

import (
	"sync"
	"time"
)

// Stats counts what a delivery stream did since it was opened or reset. At any moment
//
//	RecordsRead = Delivered + Dropped + ProcessingFailed + ConversionFailed + Buffered + InFlight
//
// where the first four are stored for good: in S3, or nowhere for Dropped, and in the checkpoint. Records that have to be read once more
// because a buffer was lost are taken out of RecordsRead first.
type Stats struct {
	RecordsRead int64 `json:"recordsRead"`
	BytesRead   int64 `json:"bytesRead"` // the records' data

	Invocations int64 `json:"invocations"` // of the function, each attempt
	Retries     int64 `json:"retries"`     // those after a batch's first

	Delivered        int64 `json:"delivered"`        // records whose data is in an object
	Dropped          int64 `json:"dropped"`          // records that the function answered Dropped
	ProcessingFailed int64 `json:"processingFailed"` // records in error objects of this type
	ConversionFailed int64 `json:"conversionFailed"` // records in error objects of this type

	Rows         int64 `json:"rows"` // in Parquet objects; a record may hold several JSON documents
	Objects      int64 `json:"objects"`
	ObjectBytes  int64 `json:"objectBytes"`
	ErrorObjects int64 `json:"errorObjects"`

	Buffered      int64 `json:"buffered"`      // records read that wait for the function or for delivery
	BufferedBytes int64 `json:"bufferedBytes"` // data read and not stored yet, wherever it is
	InFlight      int64 `json:"inFlight"`      // records at the function
	OldestAge     int64 `json:"oldestAgeMs"`   // ms since the arrival of the oldest record that is read and not stored; 0 if none

	StoreFailures int64  `json:"storeFailures"`       // failed attempts to store an object; each is tried again
	LogLines      int64  `json:"logLines"`            // written to the error log
	LogDropped    int64  `json:"logDropped"`          // not written: too many in a second, or the log refused
	LastError     string `json:"lastError,omitempty"` // what last stood in the way of delivery
}

// tally is Stats in the making.
type tally struct {
	mu    sync.Mutex
	stats Stats
	// oldest has the arrival (ms) of the oldest record of everything that holds records: batches, outputs, shipments.
	oldest map[any]int64
}

func (t *tally) update(change func(*Stats)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.stats)
}

// hold notes that holder has records, the oldest of which arrived at the given time; 0 says that it has none any more.
func (t *tally) hold(holder any, arrival int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if arrival == 0 {
		delete(t.oldest, holder)
		return
	}
	if t.oldest == nil {
		t.oldest = map[any]int64{}
	}
	t.oldest[holder] = arrival
}

func (t *tally) snapshot() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	now := time.Now().UnixMilli()
	for _, arrival := range t.oldest {
		s.OldestAge = max(s.OldestAge, now-arrival)
	}
	return s
}

// forgetUnstored takes back what was read and not stored: it will be read again.
func (t *tally) forgetUnstored() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.RecordsRead -= t.stats.Buffered + t.stats.InFlight
	t.stats.BytesRead -= t.stats.BufferedBytes
	t.stats.Buffered, t.stats.InFlight, t.stats.BufferedBytes = 0, 0, 0
	clear(t.oldest)
}

func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats = Stats{}
	clear(t.oldest)
}
