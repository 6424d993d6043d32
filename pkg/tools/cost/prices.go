package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// price is what AWS asks for one unit of something.
type price struct {
	USD    float64 `toml:"usd"`
	Unit   string  `toml:"unit"`
	Sure   sure    `toml:"sure"`
	Source string  `toml:"source"`
	Date   string  `toml:"date"` // the day that the source is of, or was read
}

// sure is how sure a price is.
type sure string

const (
	verified   sure = "verified"    // read from AWS: its pages, or its price list through a tool that asks it
	thirdParty sure = "third-party" // read elsewhere
	memory     sure = "memory"      // to be looked up; what leans on it is marked unverified
)

// unit is how AWS sells something: the name of its unit, and how many of the model's units are in it.
type unit struct {
	name string
	of   float64
}

var (
	million     = unit{"million", 1e6}
	thousand    = unit{"thousand", 1e3}
	tenThousand = unit{"ten thousand", 1e4}
	gb          = unit{"GB", gigabyte} // 2^30 bytes: so AWS's worked examples for Kinesis and Firehose have it
	gbMonth     = unit{"GB-month", gigabyte}
	gbSecond    = unit{"GB-second", 1}
	hour        = unit{"hour", 1}
	month       = unit{"month", 1}
)

const gigabyte = 1 << 30

// units are the prices that the model knows, each with the unit that its price must be for: a price for another would be silently wrong.
var units = map[string]unit{
	"apigateway.request":       million,  // first tier, REST
	"sqs.request":              million,  // first tier, standard queue; 64 KB of payload
	"lambda.request":           million,  //
	"lambda.arm64":             gbSecond, // first tier
	"lambda.x86_64":            gbSecond, // first tier
	"kinesis.on_demand.stream": hour,
	"kinesis.on_demand.in":     gb,
	"kinesis.on_demand.out":    gb,
	"kinesis.on_demand.week":   gbMonth, // kept from 24 hours to 7 days
	"kinesis.shard":            hour,
	"kinesis.shard.week":       hour, // kept from 24 hours to 7 days
	"kinesis.put":              million,
	"kinesis.long":             gbMonth, // kept for longer than 7 days
	"firehose.ingestion":       gb,      // first tier
	"firehose.conversion":      gb,
	"s3.put":                   thousand,
	"s3.storage":               gbMonth, // first tier
	"logs.ingestion":           gb,
	"logs.storage":             gbMonth,
	"cloudwatch.alarm":         month, // a metric of an alarm, periods of a minute and more
	"cloudwatch.alarm.fast":    month, // a metric of an alarm, shorter periods
	"cloudwatch.composite":     month,
	"cloudwatch.metric":        month, // first tier
	"cloudwatch.dashboard":     month,
	"kms.request":              tenThousand,
	"kms.key":                  month,
	"xray.trace":               million,
	"secrets.secret":           month,
}

// prices are a Region's.
type prices struct {
	Region string `toml:"region"`
	Name   string `toml:"name"`
	// Base is the Region whose prices stand in for those that are missing here. They count as remembered.
	Base  string           `toml:"base"`
	Price map[string]price `toml:"price"`
}

//go:embed prices/*.toml
var files embed.FS

// readPrices reads the price file of a Region.
func readPrices(region string) (*prices, error) {
	name := "prices/" + region + ".toml"
	data, err := fs.ReadFile(files, name)
	if err != nil {
		have, _ := fs.Glob(files, "prices/*.toml")
		for i := range have {
			have[i] = strings.TrimSuffix(path.Base(have[i]), ".toml")
		}
		return nil, fmt.Errorf("there are no prices of the Region %q: there are %s; -prices FILE takes a file of your own, in the form of those in pkg/tools/cost/prices", region, strings.Join(have, ", "))
	}
	p, err := pricesOf(data)
	if err == nil && p.Region != region {
		err = fmt.Errorf("it is of the Region %q", p.Region)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// pricesOf reads a price file and takes what is missing in it from its base.
func pricesOf(data []byte) (*prices, error) {
	p, err := parsePrices(data)
	if err != nil {
		return nil, err
	}
	if p.Base != "" {
		base, err := fs.ReadFile(files, "prices/"+p.Base+".toml")
		if err != nil {
			return nil, fmt.Errorf("base = %q: there are no prices of it", p.Base)
		}
		stand, err := parsePrices(base)
		if err != nil {
			return nil, fmt.Errorf("base = %q: %w", p.Base, err)
		}
		if stand.Base != "" {
			return nil, fmt.Errorf("base = %q: it has a base itself", p.Base)
		}
		for key, price := range stand.Price {
			if _, own := p.Price[key]; !own {
				price.Sure, price.Source = memory, fmt.Sprintf("the price of %s stands in for it", stand.Region)
				p.Price[key] = price
			}
		}
	}
	return p, p.complete()
}

// parsePrices reads a price file. Each of its prices is one that the model knows, for the unit that it knows it by.
func parsePrices(data []byte) (*prices, error) {
	var p prices
	meta, err := toml.Decode(string(data), &p)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, key := range meta.Undecoded() {
		errs = append(errs, fmt.Errorf("%s is nothing that a price file has", key))
	}
	if p.Region == "" || p.Name == "" {
		errs = append(errs, errors.New("region and name are needed"))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Price)) {
		if err := p.Price[key].check(key); err != nil {
			errs = append(errs, fmt.Errorf("price %q: %w", key, err))
		}
	}
	if p.Price == nil {
		p.Price = map[string]price{}
	}
	return &p, errors.Join(errs...)
}

func (p price) check(key string) error {
	unit, known := units[key]
	_, dateErr := time.Parse(time.DateOnly, p.Date)
	switch {
	case !known:
		return errors.New("the model knows no such price")
	case !(p.USD > 0) || math.IsInf(p.USD, 0): // what is given away has no price here
		return fmt.Errorf("usd = %v: expected a number above 0", p.USD)
	case p.Unit != unit.name:
		return fmt.Errorf("unit = %q: the model reckons by %q", p.Unit, unit.name)
	case p.Sure != verified && p.Sure != thirdParty && p.Sure != memory:
		return fmt.Errorf("sure = %q: expected verified, third-party or memory", p.Sure)
	case p.Source == "":
		return errors.New("source is needed: where the number was read")
	case dateErr != nil:
		return fmt.Errorf("date = %q: expected the day that the source is of, such as 2026-11-26", p.Date)
	}
	return nil
}

// complete is an error that names what is missing.
func (p *prices) complete() error {
	var missing []string
	for key := range units {
		if _, ok := p.Price[key]; !ok {
			missing = append(missing, key)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		return fmt.Errorf("prices are missing: %s (or a base that has them)", strings.Join(missing, ", "))
	}
	return nil
}

// of is the price of one of the model's units, in USD.
func (p *prices) of(key string) float64 {
	unit, known := units[key]
	found, ok := p.Price[key]
	if !known || !ok {
		panic("no price " + key) // complete looked
	}
	return found.USD / unit.of
}
