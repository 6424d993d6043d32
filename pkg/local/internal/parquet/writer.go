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

// Writer writes records of JSON documents as rows of one Parquet file.
type Writer struct {
	file    *parquet.GenericWriter[any]
	convert converter
	rows    int64
	batch   []parquet.Row
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
		parquet.Compression(codec), parquet.DataPageVersion(1), parquet.MaxRowsPerRowGroup(maxRowsPerRowGroup))
	return &Writer{file: file, convert: newConverter(columns, o)}, nil
}

// Write adds the rows of one record's data: no JSON document, one, or several after one another (Firehose accepts concatenated
// documents, but no array of them). It adds all of the record's rows or, with a *DataError, none.
func (w *Writer) Write(record []byte) error {
	rows, err := w.convert.record(record, w.batch[:0])
	w.batch = rows
	if err != nil {
		return err
	}
	if _, err := w.file.WriteRows(rows); err != nil {
		return fmt.Errorf("writing Parquet rows: %w", err)
	}
	w.rows += int64(len(rows))
	return nil
}

// Rows answers how many rows the file has so far.
func (w *Writer) Rows() int64 { return w.rows }

// Close writes what is buffered and the file's footer. It does not close the underlying writer.
func (w *Writer) Close() error {
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("writing the end of a Parquet file: %w", err)
	}
	return nil
}
