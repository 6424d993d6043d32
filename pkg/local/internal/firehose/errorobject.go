package firehose

import "strconv"

// appendProcessingFailure appends a line of a processing-failed object: a record that the function did not turn into data. The members
// and their order are those of objects the service writes today; its manual spells lambdaArn and puts rawData last. rawData is the
// record as it was read.
func appendProcessingFailure(dst []byte, b *batch, r *record, lambdaARN string) []byte {
	dst = append(dst, `{"rawData":"`...)
	dst = append(dst, r.raw.of(b.request)...)
	dst = append(dst, `","errorCode":`...)
	dst = appendJSONString(dst, r.fault.code)
	dst = append(dst, `,"errorMessage":`...)
	dst = appendJSONString(dst, r.fault.message)
	dst = append(dst, `,"attemptsMade":`...)
	dst = strconv.AppendInt(dst, int64(b.attempts), 10)
	dst = append(dst, `,"arrivalTimestamp":`...)
	dst = strconv.AppendInt(dst, r.arrival, 10)
	dst = append(dst, `,"attemptEndingTimestamp":`...)
	dst = strconv.AppendInt(dst, b.ended, 10)
	dst = append(dst, `,"lambdaARN":`...)
	dst = appendJSONString(dst, lambdaARN)
	return append(dst, "}\n"...)
}

// appendConversionFailure appends a line of a format-conversion-failed object: a record whose data did not fit the table. The members
// are those of the Firehose developer guide, "Handle errors in record format conversion". rawData is what was to be converted.
func appendConversionFailure(dst []byte, cfg *Config, r *record, data []byte, f *fault, now int64) []byte {
	dst = append(dst, `{"attemptsMade":1,"arrivalTimestamp":`...)
	dst = strconv.AppendInt(dst, r.arrival, 10)
	dst = append(dst, `,"lastErrorCode":`...)
	dst = appendJSONString(dst, f.code)
	dst = append(dst, `,"lastErrorMessage":`...)
	dst = appendJSONString(dst, f.message)
	dst = append(dst, `,"attemptEndingTimestamp":`...)
	dst = strconv.AppendInt(dst, now, 10)
	dst = append(dst, `,"rawData":"`...)
	dst = appendBase64(dst, data)
	dst = append(dst, `","sequenceNumber":`...)
	dst = appendJSONString(dst, r.sequence)
	dst = append(dst, `,"subSequenceNumber":0,"dataCatalogTable":{"catalogId":`...)
	dst = appendJSONString(dst, cfg.AccountID)
	dst = append(dst, `,"databaseName":`...)
	dst = appendJSONString(dst, cfg.Convert.Database)
	dst = append(dst, `,"tableName":`...)
	dst = appendJSONString(dst, cfg.Convert.Name)
	dst = append(dst, `,"region":`...)
	dst = appendJSONString(dst, cfg.Region)
	dst = append(dst, `,"versionId":`...)
	dst = appendJSONString(dst, cfg.Convert.Version)
	return append(dst, `,"catalogArn":null}}`+"\n"...)
}
