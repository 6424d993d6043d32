package dlq

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxLine is the longest line that is kept: a record of 10 MiB, the largest that a stream can be made to take, in base64 with what stands
// around it. Firehose writes none that is longer.
const maxLine = 14<<20 + 64<<10

// place is one between two lines of an error object.
type place struct {
	offset int64 // in bytes of the text
	line   int64
}

// lineReader reads an error object's text line by line, in memory that is bounded.
type lineReader struct {
	body     io.Closer
	text     *bufio.Reader
	long     []byte // the line at hand, if it does not fit the reader's buffer
	at       place  // behind the line at hand
	modified time.Time
}

const readBuffer = 64 << 10

// openLines begins at a place. An object is gzip if its first two bytes say so: whether Firehose compresses error objects as it does others is
// documented nowhere, and their names do not tell.
func openLines(ctx context.Context, objects Objects, bucket, key string, from place) (*lineReader, error) {
	o, err := objects.Open(ctx, bucket, key, 0)
	if err != nil {
		return nil, err
	}
	r := &lineReader{body: o.Body, text: bufio.NewReaderSize(o.Body, readBuffer), at: from, modified: o.Modified}
	magic, err := r.text.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, o.Body.Close())
	}
	skip := from.offset
	switch {
	case bytes.Equal(magic, []byte{0x1f, 0x8b}):
		unzipped, err := gzip.NewReader(r.text)
		if err != nil {
			return nil, errors.Join(err, o.Body.Close())
		}
		r.text = bufio.NewReaderSize(unzipped, readBuffer)
	case skip > 0:
		if err := o.Body.Close(); err != nil {
			return nil, err
		}
		if o, err = objects.Open(ctx, bucket, key, skip); err != nil {
			return nil, err
		}
		r.body, skip = o.Body, 0
		r.text.Reset(o.Body)
	}
	if _, err := io.CopyN(io.Discard, r.text, skip); err != nil {
		return nil, errors.Join(fmt.Errorf("it ends before byte %d: %w", from.offset, err), r.body.Close())
	}
	return r, nil
}

func (r *lineReader) Close() error { return r.body.Close() }

// next returns the next line without its end; it is valid until the next call. Of a line that is longer than maxLine it returns only the
// beginning, and says so. The error is io.EOF behind the last line.
func (r *lineReader) next() (line []byte, cut bool, err error) {
	r.long = r.long[:0]
	if cap(r.long) > 1<<20 {
		r.long = nil
	}
	for {
		part, err := r.text.ReadSlice('\n')
		r.at.offset += int64(len(part))
		whole := !errors.Is(err, bufio.ErrBufferFull)
		if err != nil && whole && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
		if room := maxLine - len(r.long); len(part) > room {
			part, cut = part[:room], true
		}
		if whole && len(r.long) == 0 {
			line = part
		} else {
			r.long = append(r.long, part...)
			line = r.long
		}
		switch {
		case !whole:
			continue
		case err != nil && len(line) == 0:
			return nil, false, io.EOF
		}
		r.at.line++
		return bytes.TrimSuffix(line, []byte("\n")), cut, nil
	}
}
