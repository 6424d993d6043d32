package parquet

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"hydrant/pkg/local/internal/glue"
)

// Options are the settings of Firehose's OpenXJsonSerDe and ParquetSerDe that the runner honours.
type Options struct {
	Compression     string            // SNAPPY (default), GZIP or UNCOMPRESSED
	CaseInsensitive bool              // lower-case every key before it is matched, at every depth, map keys too
	ConvertDots     bool              // a.b → a_b (ConvertDotsInJsonKeysToUnderscores)
	ColumnToJSONKey map[string]string // column → the JSON key it is read from
}

// maxRowsPerRowGroup bounds what the writer holds in memory before it moves pages on to its output.
const maxRowsPerRowGroup = 16384

// What is converted before it is handed to the columns' writers: a call for each column and row would cost more than the conversion.
const (
	batchRows  = 64
	batchBytes = 128 << 10 // of records
)

// Writer writes records of JSON documents as rows of one Parquet file.
type Writer struct {
	file    *parquet.GenericWriter[any]
	convert converter
	rows    int64
	group   int    // rows of the row group in hand that are handed over
	batch   int    // rows that are converted and not handed over
	data    []byte // their records: values point into it
}

// NewWriter starts a file with the given columns. The error says which option or column cannot be honoured.
func NewWriter(w io.Writer, columns []glue.Column, o Options) (*Writer, error) {
	var codec compress.Codec
	switch o.Compression {
	case "SNAPPY", "":
		codec = &parquet.Snappy
	case "GZIP":
		codec = &parquet.Gzip
	case "UNCOMPRESSED":
		codec = &parquet.Uncompressed
	default:
		return nil, fmt.Errorf("parquet compression %q: expected SNAPPY, GZIP or UNCOMPRESSED", o.Compression)
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("a Parquet file needs at least one column")
	}
	file := parquet.NewGenericWriter[any](w, parquet.NewSchema("hive_schema", newGroup(fieldsOf(columns))),
		parquet.Compression(codec), parquet.DataPageVersion(1))
	return &Writer{file: file, convert: newConverter(columns, o)}, nil
}

// Write adds the rows of one record's data: no JSON document, one, or several after one another (Firehose accepts concatenated
// documents, but no array of them). It adds all of the record's rows or, with a *DataError, none. The data is not kept.
func (w *Writer) Write(record []byte) error {
	if len(w.data)+len(record) > cap(w.data) {
		if err := w.flush(); err != nil {
			return err
		}
		if len(record) > cap(w.data) {
			w.data = make([]byte, 0, max(batchBytes, len(record)))
		}
	}
	start := len(w.data)
	w.data = append(w.data, record...)
	rows, err := w.convert.record(w.data[start:])
	if err != nil {
		w.data = w.data[:start]
		return err
	}
	w.rows += int64(rows)
	if w.batch += rows; w.batch >= batchRows {
		return w.flush()
	}
	return nil
}

// flush hands the converted rows to the columns' writers, which copy them.
func (w *Writer) flush() error {
	for i, column := range w.file.ColumnWriters() {
		if _, err := column.WriteRowValues(w.convert.cells[i]); err != nil {
			return fmt.Errorf("writing Parquet rows: %w", err)
		}
	}
	w.convert.clear()
	w.data = w.data[:0]
	w.group += w.batch
	w.batch = 0
	if w.group < maxRowsPerRowGroup {
		return nil
	}
	w.group = 0
	if err := w.file.Flush(); err != nil {
		return fmt.Errorf("writing a Parquet row group: %w", err)
	}
	return nil
}

// Rows answers how many rows the file has so far.
func (w *Writer) Rows() int64 { return w.rows }

// Close writes what is buffered and the file's footer. It does not close the underlying writer.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("writing the end of a Parquet file: %w", err)
	}
	return nil
}
