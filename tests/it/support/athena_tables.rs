//! Tables of CloudTrail's logs as Athena's statements make them.

/// The columns of the table that AWS documents for CloudTrail's logs (Amazon Athena User Guide, "Query AWS CloudTrail
/// logs"). Members of records that have no column, such as `userIdentity.sessionContext.sourceIdentity`, are lost.
pub(crate) const CLOUDTRAIL_COLUMNS: &str = "
    eventversion STRING,
    useridentity STRUCT<
        type: STRING, principalid: STRING, arn: STRING, accountid: STRING, invokedby: STRING, accesskeyid: STRING,
        username: STRING, onbehalfof: STRUCT<userid: STRING, identitystorearn: STRING>,
        sessioncontext: STRUCT<
            attributes: STRUCT<mfaauthenticated: STRING, creationdate: STRING>,
            sessionissuer: STRUCT<
                type: STRING, principalid: STRING, arn: STRING, accountid: STRING, username: STRING>,
            ec2roledelivery: STRING,
            webidfederationdata: STRUCT<federatedprovider: STRING, attributes: map<string,string>>>>,
    eventtime STRING,
    eventsource STRING,
    eventname STRING,
    awsregion STRING,
    sourceipaddress STRING,
    useragent STRING,
    errorcode STRING,
    errormessage STRING,
    requestparameters STRING,
    responseelements STRING,
    additionaleventdata STRING,
    requestid STRING,
    eventid STRING,
    readonly STRING,
    resources ARRAY<STRUCT<arn: STRING, accountid: STRING, type: STRING>>,
    eventtype STRING,
    apiversion STRING,
    recipientaccountid STRING,
    serviceeventdetails STRING,
    sharedeventid STRING,
    vpcendpointid STRING,
    vpcendpointaccountid STRING,
    eventcategory STRING,
    addendum STRUCT<reason: STRING, updatedfields: STRING, originalrequestid: STRING, originaleventid: STRING>,
    sessioncredentialfromconsole STRING,
    edgedevicedetails STRING,
    tlsdetails STRUCT<tlsversion: STRING, ciphersuite: STRING, clientprovidedhostheader: STRING>";

/// CREATE EXTERNAL TABLE of CloudTrail's logs.
///
/// `keys` are the partition keys with their types, `` account string, `day` string ``, or empty; `properties` are
/// pairs for TBLPROPERTIES.
pub(crate) fn cloudtrail_table(
    table: &str,
    keys: &str,
    location: &str,
    properties: &[(&str, &str)],
) -> String {
    let partitioned = match keys {
        "" => String::new(),
        keys => format!("PARTITIONED BY ({keys})"),
    };
    let properties: Vec<_> = properties
        .iter()
        .map(|(name, value)| format!("'{name}'='{value}'"))
        .collect();
    let properties = match properties.is_empty() {
        true => String::new(),
        false => format!("TBLPROPERTIES ({})", properties.join(", ")),
    };
    format!(
        "CREATE EXTERNAL TABLE {table} ({CLOUDTRAIL_COLUMNS})
        {partitioned}
        ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
        STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
        OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
        LOCATION '{location}'
        {properties}"
    )
}

/// The table of one account and region that AWS documents, with partition projection by day over `timestamp`;
/// `location` is the folder of the region, without a slash at its end.
pub(crate) fn documented_table(table: &str, location: &str) -> String {
    let template = format!("{location}/${{timestamp}}");
    let properties = [
        ("projection.enabled", "true"),
        ("projection.timestamp.format", "yyyy/MM/dd"),
        ("projection.timestamp.interval", "1"),
        ("projection.timestamp.interval.unit", "DAYS"),
        ("projection.timestamp.range", "2020/01/01,NOW"),
        ("projection.timestamp.type", "date"),
        ("storage.location.template", &template),
    ];
    cloudtrail_table(table, "`timestamp` string", location, &properties)
}

/// A table of many accounts, regions and days below `root`, the folder that holds the accounts' folders, with a slash
/// at its end. `accounts` are the values of an enum, or `None` for an injected key.
pub(crate) fn organization_table(
    table: &str,
    root: &str,
    accounts: Option<&str>,
    regions: &str,
) -> String {
    let template = format!("{root}${{account}}/CloudTrail/${{region}}/${{day}}");
    let mut properties = vec![
        ("projection.enabled", "true"),
        ("projection.region.type", "enum"),
        ("projection.region.values", regions),
        ("projection.day.type", "date"),
        ("projection.day.format", "yyyy/MM/dd"),
        ("projection.day.range", "2026/01/01,NOW"),
        ("projection.day.interval", "1"),
        ("projection.day.interval.unit", "DAYS"),
        ("storage.location.template", &template),
    ];
    match accounts {
        Some(accounts) => properties.extend([
            ("projection.account.type", "enum"),
            ("projection.account.values", accounts),
        ]),
        None => properties.push(("projection.account.type", "injected")),
    }
    let keys = "account string, region string, `day` string";
    cloudtrail_table(table, keys, root, &properties)
}
