package firehose

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/parquet"
)

// The defaults of AWS::KinesisFirehose::DeliveryStream. A Config has no defaults of its own: zero in it is a zero that somebody wrote.
const (
	DefaultBufferBytes             = 5 << 20
	DefaultBufferBytesConverting   = 128 << 20
	DefaultBufferInterval          = 300 * time.Second
	DefaultTransformBufferBytes    = 1 << 20
	DefaultTransformBufferInterval = 60 * time.Second
	DefaultRetries                 = 3
	DefaultInFlight                = 3
)

// streamVersion is the delivery stream's version, a part of object keys and of the error log. It changes when a destination is
// updated, which cannot happen here.
const streamVersion = 1

// Config describes a delivery stream as AWS::KinesisFirehose::DeliveryStream does.
type Config struct {
	Name, ARN, StreamARN, StreamName, Region, AccountID string
	Dir                                                 string // a folder of its own: the checkpoint, and buffers while it runs

	BufferBytes    int           // of BufferingHints: 1 to 128 MiB, at least 64 MiB when converting
	BufferInterval time.Duration // of BufferingHints: 0 to 900 s; 0 (zero buffering) is a second here
	Transform      *Transform    // nil: records are delivered as they are
	Convert        *Convert      // nil: records are put behind one another, with nothing between them

	Bucket, Prefix, ErrorPrefix, TimeZone, Extension string
	Compression                                      string // of objects that are not converted: UNCOMPRESSED (or "") or GZIP

	LogGroup, LogStream string // the error log; both empty: none
	InFlight            int    // how many batches are at the function at the same time; 0: DefaultInFlight

	// Trouble hears of what has stood in the way of delivery for several attempts and is not the data's fault: a full disk, no S3. Attempts
	// go on. It may be nil.
	Trouble func(error)
}

// Transform is the processor of type Lambda.
type Transform struct {
	FunctionARN    string
	BufferBytes    int           // BufferSizeInMBs: 0.2 to 3 MiB of data as it was read
	BufferInterval time.Duration // BufferIntervalInSeconds: 0 to 900 s
	Retries        int           // NumberOfRetries: 0 to 300
}

// Convert is the DataFormatConversionConfiguration: JSON by the OpenX SerDe to Parquet.
type Convert struct {
	// Table answers the table's schema as it is now, or nil if the table is not there.
	Table func() *glue.Table
	// Database, Name and Version say in error objects which table was meant.
	Database, Name, Version string
	Parquet                 parquet.Options
}

// validate refuses what the service refuses, and what this package does not do. The limits: Firehose API reference, BufferingHints,
// ProcessorParameter and DataFormatConversionConfiguration.
func (cfg *Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	least := 1 << 20
	if cfg.Convert != nil {
		least = 64 << 20
	}
	check(cfg.BufferBytes >= least && cfg.BufferBytes <= 128<<20, "BufferingHints.SizeInMBs: %d bytes are not within %d and 128 MiB", cfg.BufferBytes, least>>20)
	check(withinSeconds(cfg.BufferInterval), "BufferingHints.IntervalInSeconds: %v is not within 0 and 900 s", cfg.BufferInterval)
	if t := cfg.Transform; t != nil {
		check(t.BufferBytes >= 2<<20/10 && t.BufferBytes <= 3<<20, "BufferSizeInMBs: %d bytes are not within 0.2 and 3 MiB", t.BufferBytes)
		check(withinSeconds(t.BufferInterval), "BufferIntervalInSeconds: %v is not within 0 and 900 s", t.BufferInterval)
		check(t.Retries >= 0 && t.Retries <= 300, "NumberOfRetries: %d is not within 0 and 300", t.Retries)
	}
	return errors.Join(append(faults, cfg.validateObjects())...)
}

func withinSeconds(d time.Duration) bool { return d >= 0 && d <= 900*time.Second }

func (cfg *Config) validateObjects() error {
	if !fileExtension.MatchString(cfg.Extension) {
		return fmt.Errorf("FileExtension: %q must be a dot and then lower-case letters, digits or any of !-_.*'()", cfg.Extension)
	}
	switch cfg.Compression {
	case "", "UNCOMPRESSED":
	case "GZIP":
		if cfg.Convert != nil {
			return errors.New("CompressionFormat: must be UNCOMPRESSED when records are converted; Parquet compresses for itself")
		}
	default:
		return fmt.Errorf("CompressionFormat: %q is not supported by the local runner; UNCOMPRESSED and GZIP are", cfg.Compression)
	}
	if cfg.Convert == nil {
		return nil
	}
	table := cfg.Convert.Table()
	if table == nil {
		return errors.New("SchemaConfiguration: " + faultNoTable.message)
	}
	if _, err := parquet.NewWriter(io.Discard, table.Columns, cfg.Convert.Parquet); err != nil {
		return fmt.Errorf("DataFormatConversionConfiguration: %w", err)
	}
	return nil
}

// extension is what object keys end in ("Amazon S3 object name format").
func (cfg *Config) extension() string {
	switch {
	case cfg.Extension != "":
		return cfg.Extension
	case cfg.Convert != nil:
		return ".parquet"
	case cfg.Compression == "GZIP":
		return ".gz"
	}
	return ""
}

// contentEncoding is the label that Firehose puts on objects. Parquet files carry the odd "hadoop-snappy" since the service takes their
// compression for the object's; it is known of Snappy, the default, alone.
func (cfg *Config) contentEncoding() string {
	switch {
	case cfg.Convert != nil && (cfg.Convert.Parquet.Compression == "" || cfg.Convert.Parquet.Compression == "SNAPPY"):
		return "hadoop-snappy"
	case cfg.Convert == nil && cfg.Compression == "GZIP":
		return "gzip"
	}
	return ""
}

// qualifiedARN is the function's ARN with the version that Firehose calls when none is named.
func (t *Transform) qualifiedARN() string {
	// arn:aws:lambda:region:account:function:name[:version or alias]
	if strings.Count(t.FunctionARN, ":") == 6 {
		return t.FunctionARN + ":$LATEST"
	}
	return t.FunctionARN
}
