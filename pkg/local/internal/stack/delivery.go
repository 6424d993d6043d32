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
		Logging     struct {
			Enabled bool   `cfn:"Enabled"`
			Group   string `cfn:"LogGroupName"`
			Stream  string `cfn:"LogStreamName"`
		} `cfn:"CloudWatchLoggingOptions"`
		Processing struct {
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
	if p.S3.Logging.Enabled {
		c.LogGroup, c.LogStream = p.S3.Logging.Group, p.S3.Logging.Stream
	}
	c.BufferBytes, c.BufferInterval = firehose.DefaultBufferBytes, firehose.DefaultBufferInterval
	if conv := p.S3.Conversion; conv != nil && (conv.Enabled == nil || *conv.Enabled) {
		c.BufferBytes, c.Convert = firehose.DefaultBufferBytesConverting, b.convert(conv)
	}
	if size := p.S3.Buffering.SizeInMBs; size != nil {
		c.BufferBytes = int(*size * (1 << 20))
	}
	if seconds := p.S3.Buffering.Seconds; seconds != nil {
		c.BufferInterval = time.Duration(*seconds) * time.Second
	}
	if p.S3.Processing.Enabled {
		var err error
		if c.Transform, err = transform(r, &p); err != nil {
			return err
		}
	}
	b.out.Deliveries = append(b.out.Deliveries, Delivery{LogicalID: r.LogicalID, Config: c, at: *r.Properties})
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
