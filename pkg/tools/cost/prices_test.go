package main

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

func TestPriceFiles(t *testing.T) {
	names, err := fs.Glob(files, "prices/*.toml")
	if err != nil || len(names) < 3 {
		t.Fatalf("price files: %v, %v", names, err)
	}
	for _, name := range names {
		region := strings.TrimSuffix(path.Base(name), ".toml")
		if _, err := readPrices(region); err != nil {
			t.Error(err)
		}
	}
}

// us-east-1 stands by itself; of another Region whatever nobody looked up is unverified, be it in the file or in its base.
func TestHowSure(t *testing.T) {
	for region, want := range map[string]map[string]sure{
		"us-east-1":      {"apigateway.request": verified, "firehose.ingestion": thirdParty, "firehose.conversion": memory},
		"eu-west-2":      {"firehose.ingestion": verified, "apigateway.request": memory},
		"ap-northeast-2": {"firehose.ingestion": memory, "apigateway.request": memory, "lambda.arm64": memory},
	} {
		p, err := readPrices(region)
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range want {
			if got := p.Price[key].Sure; got != want {
				t.Errorf("%s, %s is %q, want %q", region, key, got, want)
			}
		}
	}
}

const (
	priceHead = "region = \"x-1\"\nname = \"X\"\n"
	goodPrice = "usd = 0.005\nunit = \"thousand\"\nsure = \"memory\"\nsource = \"me\"\ndate = \"2026-11-26\"\n"
)

// one is a price file with one price of its own.
func one(lines string) string {
	return priceHead + "base = \"us-east-1\"\n[price.\"s3.put\"]\n" + lines
}

func TestPriceFileMistakes(t *testing.T) {
	const head, good = priceHead, goodPrice
	if p, err := pricesOf([]byte(one(good))); err != nil || p.of("s3.put") != 0.005/1000 {
		t.Fatalf("a good file: %v", err)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"no TOML":              {"region", "expected"},
		"no Region":            {"name = \"X\"", "region and name are needed"},
		"prices missing":       {head, "prices are missing: apigateway.request, cloudwatch.alarm"},
		"no such base":         {head + "base = \"mars-1\"", `base = "mars-1": there are no prices of it`},
		"a base with a base":   {head + "base = \"eu-west-2\"", "it has a base itself"},
		"a base outside":       {head + "base = \"../prices/us-east-1\"", "there are no prices of it"},
		"an unknown price":     {strings.Replace(one(good), "s3.put", "s3.puts", 1), `price "s3.puts": the model knows no such price`},
		"an unknown member":    {one(good + "eur = 1\n"), `price."s3.put".eur is nothing that a price file has`},
		"a price of nothing":   {one(strings.Replace(good, "0.005", "0", 1)), "expected a number above 0"},
		"a price below zero":   {one(strings.Replace(good, "0.005", "-1", 1)), "expected a number above 0"},
		"no number":            {one(strings.Replace(good, "0.005", "nan", 1)), "expected a number above 0"},
		"an endless price":     {one(strings.Replace(good, "0.005", "inf", 1)), "expected a number above 0"},
		"a price as text":      {one(strings.Replace(good, "0.005", `"0.005"`, 1)), "incompatible types"},
		"another unit":         {one(strings.Replace(good, "thousand", "million", 1)), `unit = "million": the model reckons by "thousand"`},
		"not said how sure":    {one(strings.Replace(good, `sure = "memory"`, "", 1)), `sure = "": expected verified, third-party or memory`},
		"no source":            {one(strings.Replace(good, `source = "me"`, "", 1)), "source is needed"},
		"a day of no month":    {one(strings.Replace(good, "11-26", "13-26", 1)), "expected the day"},
		"no usd, all the rest": {one(strings.Replace(good, "usd = 0.005", "", 1)), "expected a number above 0"},
	} {
		if _, err := pricesOf([]byte(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: the error is %v, want %q", name, err, tc.want)
		}
	}
	if _, err := readPrices("mars-1"); err == nil || !strings.Contains(err.Error(), "there are ap-northeast-2, eu-west-2, us-east-1") {
		t.Errorf("a Region without prices: the error is %v", err)
	}
}

// Whatever a file holds, it is refused or has every price that the model asks for.
func FuzzPrices(f *testing.F) {
	// Short ones: a whole file takes minutes to be made smaller.
	f.Add([]byte(one(goodPrice)))
	f.Add([]byte(priceHead + "[price.x]\nusd = 1e400"))
	f.Add([]byte("region = 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := pricesOf(data)
		if err != nil {
			return
		}
		for key := range units {
			if price := p.of(key); !(price > 0) {
				t.Errorf("%s is %v", key, price)
			}
		}
	})
}
