//! Results: the object in S3, pages, UNLOAD, and results that are reused.

use serde_json::{Value, json};

use super::{FakeLab, record};
use crate::support::athena_tables::cloudtrail_table;
use crate::support::envelopes::plain;

fn lab(bucket: &'static str) -> FakeLab {
    let mut lab = FakeLab::new(bucket);
    let failed = json!({"errorCode": "AccessDenied", "eventName": "say \"hi\",\nthen go"});
    let records = [record(1, &json!({})), record(2, &failed)];
    lab.put_log("logs/a.json.gz", &records);
    lab.athena
        .run(&cloudtrail_table("d.t", "", &lab.url("logs/"), &[]));
    lab
}

#[test]
fn the_result_object_is_csv_as_athena_writes_it() {
    let mut lab = lab("athena-fake-csv");
    let ended =
        lab.run("SELECT eventid AS ID, errorcode, eventname, '' AS empty FROM t ORDER BY 1");
    let id = ended.execution["QueryExecutionId"].as_str().unwrap();
    let output = lab.url(&format!("results/{id}.csv"));
    assert_eq!(
        ended.execution["ResultConfiguration"]["OutputLocation"],
        output.as_str()
    );
    assert_eq!(
        String::from_utf8(lab.get(&output).unwrap()).unwrap(),
        "\"id\",\"errorcode\",\"eventname\",\"empty\"\n\
         \"event-1\",,\"GetObject\",\"\"\n\
         \"event-2\",\"AccessDenied\",\"say \"\"hi\"\",\nthen go\",\"\"\n"
    );
    assert!(lab.get(&format!("{output}.metadata")).is_some());
    let (status, answer) = lab.athena.call(
        "AmazonAthena.GetQueryResults",
        &json!({"QueryExecutionId": id}),
    );
    assert_eq!(status, 200, "{answer}");
    let rows = &answer["ResultSet"]["Rows"];
    assert_eq!(rows[0]["Data"][0], json!({"VarCharValue": "id"}));
    assert_eq!(
        rows[1]["Data"],
        json!([{"VarCharValue": "event-1"}, {}, {"VarCharValue": "GetObject"}, {"VarCharValue": ""}])
    );
    let columns = &answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"];
    assert_eq!(
        (&columns[0]["Name"], &columns[0]["Type"]),
        (&json!("id"), &json!("varchar"))
    );
}

#[test]
fn results_come_in_pages_after_the_header() {
    let lab = lab("athena-fake-pages");
    let id = lab.id(
        "SELECT n FROM UNNEST(sequence(1, 2500)) AS x (n) ORDER BY n",
        &json!({}),
    );
    assert_eq!(lab.state(&id), "SUCCEEDED");
    let (mut values, mut token, mut sizes) = (Vec::new(), Value::Null, Vec::new());
    loop {
        let mut request = json!({"QueryExecutionId": id});
        if !token.is_null() {
            request["NextToken"] = token;
        }
        let (status, answer) = lab.athena.call("AmazonAthena.GetQueryResults", &request);
        assert_eq!(status, 200, "{answer}");
        let rows = answer["ResultSet"]["Rows"].as_array().unwrap();
        sizes.push(rows.len());
        values.extend(
            rows.iter()
                .map(|row| row["Data"][0]["VarCharValue"].as_str().unwrap().to_owned()),
        );
        token = answer["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(sizes, [1000, 1000, 501]);
    assert_eq!(
        (
            values[0].as_str(),
            values[1].as_str(),
            values[2500].as_str()
        ),
        ("n", "1", "2500")
    );
    let request = json!({"QueryExecutionId": id, "MaxResults": 1001});
    assert_eq!(
        lab.athena.call("AmazonAthena.GetQueryResults", &request).0,
        400
    );
}

#[test]
fn unload_writes_objects_to_an_empty_place() {
    let mut lab = lab("athena-fake-unload");
    let place = lab.url("unloaded/");
    let unload = format!(
        "UNLOAD (SELECT eventid, errorcode, useridentity FROM t ORDER BY eventid) TO '{place}' WITH (format = 'JSON', compression = 'GZIP')"
    );
    let ended = lab.run(&unload);
    assert_eq!(ended.state, "SUCCEEDED", "{ended:#?}");
    let manifest = ended.execution["Statistics"]["DataManifestLocation"]
        .as_str()
        .unwrap();
    let manifest = String::from_utf8(lab.get(manifest).unwrap()).unwrap();
    let mut rows = Vec::new();
    for url in manifest.lines() {
        assert!(url.starts_with(&place), "{url}");
        let text = String::from_utf8(plain(lab.get(url).unwrap())).unwrap();
        rows.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()),
        );
    }
    assert!(manifest.lines().count() > 1, "{manifest}");
    assert_eq!(
        (rows.len(), &rows[1]["errorcode"]),
        (2, &json!("AccessDenied"))
    );
    assert_eq!(
        rows[0]["useridentity"]["sessioncontext"]["sessionissuer"]["type"],
        "Role"
    );
    lab.fails(&unload, "HIVE_PATH_ALREADY_EXISTS");
    let bad = unload
        .replace("unloaded", "other")
        .replace("eventid, ", "nothing, ");
    lab.fails(&bad, "COLUMN_NOT_FOUND: line 1:16");
    for format in ["", "WITH (format = 'CSV')", "WITH (compression = 'GZIP')"] {
        let (status, answer) = lab.start(
            &format!("UNLOAD (SELECT 1) TO '{place}' {format}"),
            &json!({}),
        );
        assert_eq!(
            (status, &answer["__type"]),
            (400, &json!("InvalidRequestException"))
        );
    }
}

#[test]
fn a_result_is_reused_for_the_same_text_only_and_for_a_time() {
    let mut lab = lab("athena-fake-reuse");
    let age = |minutes: u32| json!({"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": true, "MaxAgeInMinutes": minutes}}});
    let sql = "SELECT count(*) FROM t";
    let mut reused = |sql: &str, more: &Value| {
        let id = lab.id(sql, more);
        let ended = lab.end(&id);
        assert_eq!(
            (ended.state.as_str(), ended.rows.len()),
            ("SUCCEEDED", 1),
            "{ended:#?}"
        );
        let statistics = &ended.execution["Statistics"];
        let reused = statistics["ResultReuseInformation"]["ReusedPreviousResult"] == true;
        assert_eq!(reused, ended.scanned_bytes == 0);
        let output = ended.execution["ResultConfiguration"]["OutputLocation"].clone();
        (reused, output)
    };
    let (is_reused, first) = reused(sql, &age(60));
    assert!(!is_reused);
    // AWS points to the object of the earlier query.
    assert_eq!(reused(sql, &age(60)), (true, first));
    assert!(!reused(sql, &json!({})).0);
    assert!(!reused("SELECT  count(*) FROM t", &age(60)).0);
    let elsewhere =
        json!({"ResultConfiguration": {"OutputLocation": "s3://athena-fake-reuse/other/"}});
    let mut other = age(60);
    other["ResultConfiguration"] = elsewhere["ResultConfiguration"].clone();
    assert!(!reused(sql, &other).0);
    lab.athena.set_time("2026-11-30T14:00:00Z");
    let id = lab.id(sql, &age(60));
    assert!(lab.end(&id).scanned_bytes > 0);
    let (status, answer) = lab.start(sql, &age(10_081));
    assert_eq!(
        (status, &answer["__type"]),
        (400, &json!("InvalidRequestException"))
    );
    assert_eq!(lab.start(sql, &age(10_080)).0, 200);
}
