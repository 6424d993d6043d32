package stack

import (
	"strconv"
	"strings"
	"time"

	"hydrant/pkg/local/internal/firehose"
	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/parquet"
	"hydrant/pkg/local/internal/template"
)

type deliveryProperties struct {
	Name   string `cfn:"DeliveryStreamName"`
	Type   string `cfn:"DeliveryStreamType,required"`
	Source struct {
		Stream string `cfn:"KinesisStreamARN,required"`
		Role   string `cfn:"RoleARN,required"`
	} `cfn:"KinesisStreamSourceConfiguration,required"`
	S3 struct {
		Bucket      string  `cfn:"BucketARN,required"`
		Role        string  `cfn:"RoleARN,required"`
		Prefix      string  `cfn:"Prefix"`
		ErrorPrefix string  `cfn:"ErrorOutputPrefix"`
		TimeZone    string  `cfn:"CustomTimeZone"`
		Extension   string  `cfn:"FileExtension"`
		Compression string  `cfn:"CompressionFormat"`
		Buffering   buffers `cfn:"BufferingHints"`
		Logging     logging `cfn:"CloudWatchLoggingOptions"`
		BackupMode  string  `cfn:"S3BackupMode"`
		Backup      *backup `cfn:"S3BackupConfiguration"`
		Processing  struct {
			Enabled    bool `cfn:"Enabled"`
			Processors []struct {
				Type       string `cfn:"Type,required"`
				Parameters []struct {
					Name  string          `cfn:"ParameterName,required"`
					Value *template.Value `cfn:"ParameterValue,required"`
				} `cfn:"Parameters"`
			} `cfn:"Processors"`
		} `cfn:"ProcessingConfiguration"`
		Conversion *conversion `cfn:"DataFormatConversionConfiguration"`
	} `cfn:"ExtendedS3DestinationConfiguration,required"`
}

type logging struct {
	Enabled bool   `cfn:"Enabled"`
	Group   string `cfn:"LogGroupName"`
	Stream  string `cfn:"LogStreamName"`
}

// backup is an S3DestinationConfiguration.
type backup struct {
	Bucket      *template.Value `cfn:"BucketARN,required"`
	Role        string          `cfn:"RoleARN,required"`
	Prefix      string          `cfn:"Prefix"`
	ErrorPrefix string          `cfn:"ErrorOutputPrefix"`
	Compression string          `cfn:"CompressionFormat"`
	Buffering   buffers         `cfn:"BufferingHints"`
	Logging     logging         `cfn:"CloudWatchLoggingOptions"`
}

type buffers struct {
	SizeInMBs *float64 `cfn:"SizeInMBs"`
	Seconds   *int     `cfn:"IntervalInSeconds"`
}

type conversion struct {
	Enabled *bool `cfn:"Enabled"` // on where it is not said
	Schema  struct {
		CatalogID string `cfn:"CatalogId"`
		Region    string `cfn:"Region"`
		Database  string `cfn:"DatabaseName,required"`
		Table     string `cfn:"TableName,required"`
		Version   string `cfn:"VersionId"`
		Role      string `cfn:"RoleARN,required"`
	} `cfn:"SchemaConfiguration,required"`
	Input struct {
		Deserializer struct {
			OpenX struct {
				CaseInsensitive *bool             `cfn:"CaseInsensitive"` // true where it is not said
				ConvertDots     bool              `cfn:"ConvertDotsInJsonKeysToUnderscores"`
				Mappings        map[string]string `cfn:"ColumnToJsonKeyMappings"`
			} `cfn:"OpenXJsonSerDe,required"`
		} `cfn:"Deserializer,required"`
	} `cfn:"InputFormatConfiguration,required"`
	Output struct {
		Serializer struct {
			Parquet struct {
				Compression string `cfn:"Compression"`
			} `cfn:"ParquetSerDe,required"`
		} `cfn:"Serializer,required"`
	} `cfn:"OutputFormatConfiguration,required"`
}

func (b *builder) delivery(r template.Resource) error {
	var p deliveryProperties
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	if p.Type != "KinesisStreamAsSource" {
		return r.Properties.Get("DeliveryStreamType").Errorf("the local runner supports KinesisStreamAsSource, not %s", p.Type)
	}
	c := firehose.Config{
		Name: b.id(r).ID, ARN: b.id(r).ARN, StreamARN: p.Source.Stream, StreamName: lastPart(p.Source.Stream, "/"),
		Region: b.account.Region, AccountID: b.account.ID, Bucket: lastPart(p.S3.Bucket, ":"),
		Prefix: p.S3.Prefix, ErrorPrefix: p.S3.ErrorPrefix, TimeZone: p.S3.TimeZone, Extension: p.S3.Extension, Compression: p.S3.Compression,
	}
	p.S3.Logging.set(&c)
	c.BufferBytes, c.BufferInterval = firehose.DefaultBufferBytes, firehose.DefaultBufferInterval
	if conv := p.S3.Conversion; conv != nil && (conv.Enabled == nil || *conv.Enabled) {
		c.BufferBytes, c.Convert = firehose.DefaultBufferBytesConverting, b.convert(conv)
	}
	p.S3.Buffering.set(&c)
	if p.S3.Processing.Enabled {
		var err error
		if c.Transform, err = transform(r, &p); err != nil {
			return err
		}
	}
	d := Delivery{LogicalID: r.LogicalID, Config: c, at: *r.Properties}
	if err := d.backUp(&p); err != nil {
		return err
	}
	b.out.Deliveries = append(b.out.Deliveries, d)
	return nil
}

func (l logging) set(c *firehose.Config) {
	if l.Enabled {
		c.LogGroup, c.LogStream = l.Group, l.Stream
	}
}

func (b buffers) set(c *firehose.Config) {
	if b.SizeInMBs != nil {
		c.BufferBytes = int(*b.SizeInMBs * (1 << 20))
	}
	if b.Seconds != nil {
		c.BufferInterval = time.Duration(*b.Seconds) * time.Second
	}
}

// leastBackupInterval is the shortest interval of a backup: zero buffering is not for it ("Configure backup settings").
const leastBackupInterval = 60 * time.Second

// backUp reads the source record backup: the records as they came, put behind one another, with buffers of their own. It is a delivery
// that neither transforms nor converts.
func (d *Delivery) backUp(p *deliveryProperties) error {
	at := d.at.Get("ExtendedS3DestinationConfiguration")
	switch p.S3.BackupMode {
	case "", "Disabled":
		return nil
	case "Enabled":
	default:
		return at.Get("S3BackupMode").Errorf("S3BackupMode is Enabled or Disabled, not %s", p.S3.BackupMode)
	}
	if p.S3.Backup == nil {
		return at.Errorf("S3BackupMode is Enabled, and there is no S3BackupConfiguration")
	}
	b, of := p.S3.Backup, d.Config
	c := firehose.Config{
		Name: of.Name, ARN: of.ARN, StreamARN: of.StreamARN, StreamName: of.StreamName, Region: of.Region, AccountID: of.AccountID,
		Bucket: lastPart(b.Bucket.Text, ":"), Prefix: b.Prefix, ErrorPrefix: b.ErrorPrefix, Compression: b.Compression,
		BufferBytes: firehose.DefaultBufferBytes, BufferInterval: firehose.DefaultBufferInterval,
	}
	b.Logging.set(&c)
	b.Buffering.set(&c)
	if c.BufferInterval < leastBackupInterval {
		return at.Get("S3BackupConfiguration").Get("BufferingHints").Errorf("a backup's IntervalInSeconds is 60 at least")
	}
	d.Backup = &c
	return nil
}

func (b *builder) convert(c *conversion) *firehose.Convert {
	openx := c.Input.Deserializer.OpenX
	stack, database, table := b.out, c.Schema.Database, c.Schema.Table
	version := c.Schema.Version
	if version == "" {
		version = "LATEST"
	}
	return &firehose.Convert{
		Table:    func() *glue.Table { return stack.Table(database, table) },
		Database: database, Name: table, Version: version,
		Parquet: parquet.Options{
			Compression:     c.Output.Serializer.Parquet.Compression,
			CaseInsensitive: openx.CaseInsensitive == nil || *openx.CaseInsensitive,
			ConvertDots:     openx.ConvertDots, ColumnToJSONKey: openx.Mappings,
		},
	}
}

// transform reads the one processor of type Lambda that a delivery stream can have.
func transform(r template.Resource, p *deliveryProperties) (*firehose.Transform, error) {
	at := r.Properties.Get("ExtendedS3DestinationConfiguration").Get("ProcessingConfiguration")
	processors := p.S3.Processing.Processors
	if len(processors) != 1 || processors[0].Type != "Lambda" {
		return nil, at.Errorf("the local runner supports one processor, of the type Lambda")
	}
	t := &firehose.Transform{
		BufferBytes: firehose.DefaultTransformBufferBytes, BufferInterval: firehose.DefaultTransformBufferInterval, Retries: firehose.DefaultRetries,
	}
	for _, parameter := range processors[0].Parameters {
		if err := setParameter(t, parameter.Name, parameter.Value); err != nil {
			return nil, err
		}
	}
	if t.FunctionARN == "" {
		return nil, at.Errorf("the processor has no LambdaArn")
	}
	return t, nil
}

func setParameter(t *firehose.Transform, name string, v *template.Value) error {
	number, err := strconv.ParseFloat(v.Text, 64)
	switch name {
	case "LambdaArn":
		t.FunctionARN = v.Text
		return nil
	case "RoleArn":
		return nil
	case "NumberOfRetries":
		t.Retries = int(number)
	case "BufferSizeInMBs":
		t.BufferBytes = int(number * (1 << 20))
	case "BufferIntervalInSeconds":
		t.BufferInterval = time.Duration(number) * time.Second
	default:
		return v.Errorf("the local runner does not know the processor's parameter %s", name)
	}
	if err != nil {
		return v.Errorf("%s must be a number, not %q", name, v.Text)
	}
	return nil
}

func lastPart(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }
