package firehose

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hydrant/pkg/local/internal/parquet"
)

// An output is one object in the making. It grows in a temporary file, so that memory stays bounded however large objects are.
type output struct {
	errorType string // of an error object; "" of records' objects
	file      *os.File
	buffer    *bufio.Writer
	encoder   encoder
	records   int64
	bytes     int64 // of data, before it is encoded
	oldest    int64 // arrival in ms of the oldest record in it
}

// encoder turns records' data into an object's bytes. A *parquet.DataError is the record's; nothing of it was written then.
type encoder interface {
	Write(data []byte) error
	Rows() int64
	Close() error
}

// outputBuffer gathers small writes.
const outputBuffer = 256 << 10

// newOutput makes a temporary file in dir. It has no name any more when newOutput returns, so nothing is left of it after a crash.
func newOutput(dir, errorType string, encode func(io.Writer) (encoder, error)) (*output, error) {
	file, err := os.CreateTemp(dir, "buffer-*")
	if err != nil {
		return nil, fmt.Errorf("delivery buffer: %w", err)
	}
	o := &output{errorType: errorType, file: file, buffer: bufio.NewWriterSize(file, outputBuffer)}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("delivery buffer: %w", err), file.Close())
	}
	if o.encoder, err = encode(o.buffer); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return o, nil
}

// write adds one record that arrived at the given time.
func (o *output) write(data []byte, arrival int64) error {
	if err := o.encoder.Write(data); err != nil {
		return err
	}
	o.records++
	o.bytes += int64(len(data))
	if o.oldest == 0 || arrival < o.oldest {
		o.oldest = arrival
	}
	return nil
}

// finish completes the object in its file and answers its size.
func (o *output) finish() (size int64, err error) {
	if err := o.encoder.Close(); err != nil {
		return 0, fmt.Errorf("delivery buffer: %w", err)
	}
	if err := o.buffer.Flush(); err != nil {
		return 0, fmt.Errorf("delivery buffer: %w", err)
	}
	size, err = o.file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, fmt.Errorf("delivery buffer: %w", err)
	}
	return size, nil
}

// discard gives the temporary file back to the system.
func (o *output) discard() error {
	if o == nil {
		return nil
	}
	return o.file.Close()
}

func (o *output) oldestTime() time.Time { return time.UnixMilli(o.oldest) }

// plain puts data behind one another. Firehose sets nothing between records: the function has to end them with a line feed.
type plain struct{ w io.Writer }

func (p plain) Write(data []byte) error {
	_, err := p.w.Write(data)
	return err
}
func (p plain) Rows() int64  { return 0 }
func (p plain) Close() error { return nil }

func newPlain(w io.Writer) (encoder, error) { return plain{w}, nil }

// zipped makes one gzip stream of an object.
type zipped struct{ w *gzip.Writer }

func (z zipped) Write(data []byte) error {
	_, err := z.w.Write(data)
	return err
}
func (z zipped) Rows() int64  { return 0 }
func (z zipped) Close() error { return z.w.Close() }

// encode answers how this delivery stream's records are encoded, or nil if the table that says so is not there.
func (cfg *Config) encode() func(io.Writer) (encoder, error) {
	switch {
	case cfg.Convert != nil:
		table := cfg.Convert.Table()
		if table == nil {
			return nil
		}
		return func(w io.Writer) (encoder, error) { return parquet.NewWriter(w, table.Columns, cfg.Convert.Parquet) }
	case cfg.Compression == "GZIP":
		return func(w io.Writer) (encoder, error) { return zipped{gzip.NewWriter(w)}, nil }
	default:
		return newPlain
	}
}
