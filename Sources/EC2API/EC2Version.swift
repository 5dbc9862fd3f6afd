import Common

/// The dated versions of the EC2 instance metadata tree, as Amazon's service lists them.
///
/// Amazon documents no complete list; these are the versions that instances listed in 2024
/// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html shows the older half).
package enum EC2Version: String, SchemaVersion {
    case v1_0 = "1.0"
    case v2007_01_19 = "2007-01-19"
    case v2007_03_01 = "2007-03-01"
    case v2007_08_29 = "2007-08-29"
    case v2007_10_10 = "2007-10-10"
    case v2007_12_15 = "2007-12-15"
    case v2008_02_01 = "2008-02-01"
    case v2008_09_01 = "2008-09-01"
    case v2009_04_04 = "2009-04-04"
    case v2011_01_01 = "2011-01-01"
    case v2011_05_01 = "2011-05-01"
    case v2012_01_12 = "2012-01-12"
    case v2014_02_25 = "2014-02-25"
    case v2014_11_05 = "2014-11-05"
    case v2015_10_20 = "2015-10-20"
    case v2016_04_19 = "2016-04-19"
    case v2016_06_30 = "2016-06-30"
    case v2016_09_02 = "2016-09-02"
    case v2018_03_28 = "2018-03-28"
    case v2018_08_17 = "2018-08-17"
    case v2018_09_24 = "2018-09-24"
    case v2019_10_01 = "2019-10-01"
    case v2020_10_27 = "2020-10-27"
    case v2021_01_03 = "2021-01-03"
    case v2021_03_23 = "2021-03-23"
    case v2021_07_15 = "2021-07-15"
    case v2022_07_09 = "2022-07-09"
    case v2022_09_24 = "2022-09-24"
    case v2024_04_11 = "2024-04-11"
}
