//! APIs of instances, containers, functions and their orchestration.

use super::{ApiSpec, EventKind, ServiceSpec, r, service, w};

pub(super) const SERVICES: &[ServiceSpec] = &[
    service("ec2", "Client.UnauthorizedOperation", EC2),
    service("autoscaling", "AccessDenied", AUTOSCALING),
    service("elasticloadbalancing", "AccessDenied", LOAD_BALANCING),
    service("ecs", "AccessDeniedException", ECS),
    service("eks", "AccessDeniedException", EKS),
    service("ecr", "AccessDeniedException", ECR),
    service("lambda", "AccessDeniedException", LAMBDA),
    service("batch", "AccessDeniedException", BATCH),
    service("ssm", "AccessDeniedException", SSM),
];

#[rustfmt::skip] // One API, one row.
const EC2: &[ApiSpec] = &[
    r("DescribeInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]},"filterSet":{}}"#).fails("Client.InvalidInstanceID.NotFound", "The instance ID '$instance' does not exist"),
    r("DescribeInstanceStatus", r#"{"instancesSet":{},"filterSet":{},"includeAllInstances":true}"#),
    r("DescribeInstanceTypes", r#"{"DescribeInstanceTypesRequest":{"MaxResults":100}}"#),
    r("DescribeInstanceAttribute", r#"{"instanceId":"$instance","attribute":"userData"}"#),
    r("DescribeImages", r#"{"executableBySet":{},"imagesSet":{"items":[{"imageId":"$image"}]},"ownersSet":{"items":[{"owner":"self"}]},"filterSet":{}}"#).fails("Client.InvalidAMIID.NotFound", "The image id '[$image]' does not exist"),
    r("DescribeVolumes", r#"{"volumeSet":{"items":[{"volumeId":"$volume"}]},"filterSet":{}}"#).fails("Client.InvalidVolume.NotFound", "The volume '$volume' does not exist."),
    r("DescribeSnapshots", r#"{"snapshotSet":{},"ownersSet":{"items":[{"owner":"$account"}]},"sharedUsersSet":{},"filterSet":{"items":[{"name":"status","valueSet":{"items":[{"value":"completed"}]}}]}}"#),
    r("DescribeSecurityGroups", r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"$sg"}]},"filterSet":{}}"#).fails("Client.InvalidGroup.NotFound", "The security group '$sg' does not exist"),
    r("DescribeSecurityGroupRules", r#"{"DescribeSecurityGroupRulesRequest":{"Filter":{"Name":"group-id","tag":1,"Value":{"tag":1,"content":"$sg"}}}}"#),
    r("DescribeSubnets", r#"{"subnetSet":{"items":[{"subnetId":"$subnet"}]},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"$vpc"}]}}]}}"#),
    r("DescribeVpcs", r#"{"vpcSet":{"items":[{"vpcId":"$vpc"}]},"filterSet":{}}"#).fails("Client.InvalidVpcID.NotFound", "The vpc ID '$vpc' does not exist"),
    r("DescribeVpcAttribute", r#"{"vpcId":"$vpc","attribute":"enableDnsSupport"}"#),
    r("DescribeVpcEndpoints", r#"{"DescribeVpcEndpointsRequest":{"MaxResults":50}}"#),
    r("DescribeVpcPeeringConnections", r#"{"vpcPeeringConnectionIdSet":{},"filterSet":{}}"#),
    r("DescribeRouteTables", r#"{"routeTableIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"$vpc"}]}}]}}"#),
    r("DescribeNetworkInterfaces", r#"{"networkInterfaceIdSet":{"items":[{"networkInterfaceId":"$eni"}]},"filterSet":{}}"#),
    r("DescribeNetworkAcls", r#"{"networkAclIdSet":{},"filterSet":{}}"#),
    r("DescribeNatGateways", r#"{"DescribeNatGatewaysRequest":{"MaxResults":50}}"#),
    r("DescribeInternetGateways", r#"{"internetGatewayIdSet":{},"filterSet":{}}"#),
    r("DescribeAddresses", r#"{"publicIpsSet":{},"filterSet":{},"allocationIdsSet":{}}"#),
    r("DescribeAvailabilityZones", r#"{"availabilityZoneSet":{},"availabilityZoneIdSet":{}}"#),
    r("DescribeRegions", r#"{"regionSet":{},"allRegions":true}"#),
    r("DescribeTags", r#"{"filterSet":{"items":[{"name":"resource-id","valueSet":{"items":[{"value":"$instance"}]}}]}}"#),
    r("DescribeKeyPairs", r#"{"keySet":{},"keyPairIdsSet":{},"filterSet":{},"includePublicKey":false}"#),
    r("DescribeLaunchTemplates", r#"{"DescribeLaunchTemplatesRequest":{"MaxResults":200}}"#),
    r("DescribeLaunchTemplateVersions", r#"{"DescribeLaunchTemplateVersionsRequest":{"LaunchTemplateId":"lt-0$h16","LaunchTemplateVersion":{"tag":1,"content":"$Latest"}}}"#),
    r("DescribeFlowLogs", r#"{"DescribeFlowLogsRequest":{"MaxResults":100}}"#),
    r("DescribeTransitGateways", r#"{"DescribeTransitGatewaysRequest":""}"#),
    r("DescribeSpotPriceHistory", r#"{"instanceTypeSet":{"items":[{"instanceType":"$size"}]},"productDescriptionSet":{"items":[{"productDescription":"Linux/UNIX"}]},"filterSet":{}}"#),
    r("DescribeReservedInstances", r#"{"reservedInstancesSet":{},"filterSet":{}}"#),
    r("GetConsoleOutput", r#"{"instanceId":"$instance","latest":false}"#),
    r("GetEbsEncryptionByDefault", r#"{"GetEbsEncryptionByDefaultRequest":""}"#),
    r("GetPasswordData", r#"{"instanceId":"$instance"}"#),
    w("RunInstances", r#"{"instancesSet":{"items":[{"imageId":"$image","minCount":1,"maxCount":1,"keyName":"ops"}]},"groupSet":{"items":[{"groupId":"$sg"}]},"instanceType":"$size","blockDeviceMapping":{},"monitoring":{"enabled":true},"subnetId":"$subnet","disableApiTermination":false,"clientToken":"$uuid","iamInstanceProfile":{"name":"shop-web"},"ebsOptimized":true,"tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"team","value":"shop"},{"key":"env","value":"live"}]}]}}"#, r#"{"requestId":"$request","reservationId":"r-0$h16","ownerId":"$account","groupSet":{},"instancesSet":{"items":[{"instanceId":"$instance","imageId":"$image","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-10-0-$d2-$d2.$region.compute.internal","amiLaunchIndex":0,"productCodes":{},"instanceType":"$size","launchTime":1789$d9,"placement":{"availabilityZone":"$region$letter","tenancy":"default"},"monitoring":{"state":"pending"},"subnetId":"$subnet","vpcId":"$vpc","stateReason":{"code":"pending","message":"pending"},"architecture":"x86_64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","virtualizationType":"hvm","hypervisor":"xen","ebsOptimized":true,"enaSupport":true,"metadataOptions":{"state":"pending","httpTokens":"required","httpPutResponseHopLimit":1,"httpEndpoint":"enabled"}}]}}"#).fails("Server.InsufficientInstanceCapacity", "We currently do not have sufficient $size capacity in the Availability Zone you requested ($region$letter)."),
    w("TerminateInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]}}"#, r#"{"requestId":"$request","instancesSet":{"items":[{"instanceId":"$instance","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}}]}}"#).fails("Client.OperationNotPermitted", "The instance '$instance' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."),
    w("StartInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]}}"#, r#"{"requestId":"$request","instancesSet":{"items":[{"instanceId":"$instance","currentState":{"code":0,"name":"pending"},"previousState":{"code":80,"name":"stopped"}}]}}"#).fails("Client.IncorrectInstanceState", "The instance '$instance' is not in a state from which it can be started."),
    w("StopInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]},"force":false}"#, r#"{"requestId":"$request","instancesSet":{"items":[{"instanceId":"$instance","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}"#),
    w("RebootInstances", r#"{"instancesSet":{"items":[{"instanceId":"$instance"}]}}"#, r#"{"requestId":"$request","_return":true}"#),
    w("ModifyInstanceAttribute", r#"{"instanceId":"$instance","groupSet":{"items":[{"groupId":"$sg"}]}}"#, r#"{"requestId":"$request","_return":true}"#),
    w("CreateSnapshot", r#"{"volumeId":"$volume","description":"nightly","tagSpecificationSet":{"items":[{"resourceType":"snapshot","tags":[{"key":"keep","value":"14"}]}]}}"#, r#"{"requestId":"$request","snapshotId":"$snapshot","volumeId":"$volume","status":"pending","startTime":1789$d9,"progress":"","ownerId":"$account","volumeSize":"100","description":"nightly","encrypted":true}"#).fails("Client.SnapshotCreationPerVolumeRateExceeded", "The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep interval between requests."),
    w("DeleteSnapshot", r#"{"snapshotId":"$snapshot"}"#, r#"{"requestId":"$request","_return":true}"#).fails("Client.InvalidSnapshot.InUse", "The snapshot $snapshot is currently in use by $image"),
    w("CreateVolume", r#"{"size":"100","zone":"$region$letter","volumeType":"gp3","encrypted":true,"clientToken":"$uuid"}"#, r#"{"requestId":"$request","volumeId":"$volume","size":"100","zone":"$region$letter","status":"creating","createTime":1789$d9,"volumeType":"gp3","iops":3000,"encrypted":true,"masterEncryptionKeyId":"arn:aws:kms:$region:$account:key/$key","tagSet":{}}"#),
    w("AttachVolume", r#"{"volumeId":"$volume","instanceId":"$instance","device":"/dev/xvdf","deleteOnTermination":false}"#, r#"{"requestId":"$request","volumeId":"$volume","instanceId":"$instance","device":"/dev/xvdf","status":"attaching","attachTime":1789$d9}"#),
    w("DeleteVolume", r#"{"volumeId":"$volume"}"#, r#"{"requestId":"$request","_return":true}"#),
    w("CreateTags", r#"{"resourcesSet":{"items":[{"resourceId":"$instance"}]},"tagSet":{"items":[{"key":"Name","value":"shop-web-$d2"},{"key":"cost-centre","value":"4200"}]}}"#, r#"{"requestId":"$request","_return":true}"#),
    w("DeleteTags", r#"{"resourcesSet":{"items":[{"resourceId":"$instance"}]},"tagSet":{"items":[{"key":"Name"}]}}"#, r#"{"requestId":"$request","_return":true}"#),
    w("CreateSecurityGroup", r#"{"groupName":"shop-$d4","groupDescription":"managed by terraform","vpcId":"$vpc"}"#, r#"{"requestId":"$request","_return":true,"groupId":"$sg"}"#).fails("Client.InvalidGroup.Duplicate", "The security group 'shop-web' already exists for VPC '$vpc'"),
    w("DeleteSecurityGroup", r#"{"groupId":"$sg"}"#, r#"{"requestId":"$request","_return":true,"groupId":"$sg"}"#).fails("Client.DependencyViolation", "resource $sg has a dependent object"),
    w("AuthorizeSecurityGroupIngress", r#"{"groupId":"$sg","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":443,"toPort":443,"groups":{},"ipRanges":{"items":[{"cidrIp":"198.51.100.0/24","description":"office"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}"#, r#"{"requestId":"$request","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"$account","groupId":"$sg","securityGroupRuleId":"sgr-0$h16","isEgress":false,"ipProtocol":"tcp","fromPort":443,"toPort":443,"cidrIpv4":"198.51.100.0/24"}]}}"#).fails("Client.InvalidPermission.Duplicate", "the specified rule \\\"peer: 198.51.100.0/24, TCP, from port: 443, to port: 443, ALLOW\\\" already exists"),
    w("RevokeSecurityGroupIngress", r#"{"groupId":"$sg","securityGroupRuleIds":{"items":[{"securityGroupRuleId":"sgr-0$h16"}]}}"#, r#"{"requestId":"$request","_return":true}"#),
    w("CreateNetworkInterface", r#"{"subnetId":"$subnet","description":"AWS Lambda VPC ENI-$function-$uuid","groupSet":{"items":[{"groupId":"$sg"}]},"clientToken":"$uuid"}"#, r#"{"requestId":"$request","networkInterface":{"networkInterfaceId":"$eni","subnetId":"$subnet","vpcId":"$vpc","availabilityZone":"$region$letter","ownerId":"$account","requesterManaged":true,"status":"pending","interfaceType":"lambda","groupSet":{"items":[{"groupId":"$sg"}]}}}"#).fails("Client.NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached."),
    w("DeleteNetworkInterface", r#"{"networkInterfaceId":"$eni"}"#, r#"{"requestId":"$request","_return":true}"#).fails("Client.InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '$eni' does not exist"),
    w("CreateLaunchTemplateVersion", r#"{"CreateLaunchTemplateVersionRequest":{"LaunchTemplateId":"lt-0$h16","SourceVersion":"$d2","LaunchTemplateData":{"ImageId":"$image"},"ClientToken":"$uuid"}}"#, r#"{"CreateLaunchTemplateVersionResponse":{"launchTemplateVersion":{"versionNumber":$n2,"createdBy":"$arn","createTime":"$now","defaultVersion":false},"requestId":"$request","xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/"}}"#),
    w("AssociateAddress", r#"{"allocationId":"eipalloc-0$h16","instanceId":"$instance","allowReassociation":true}"#, r#"{"requestId":"$request","_return":true,"associationId":"eipassoc-0$h16"}"#),
    w("CreateImage", r#"{"instanceId":"$instance","name":"shop-web-$d8","noReboot":true}"#, r#"{"requestId":"$request","imageId":"$image"}"#),
    w("SharedSnapshotVolumeCreated", "null", "null").of(EventKind::ServiceEvent),
    w("BidEvictedEvent", "null", "null").of(EventKind::ServiceEvent),
];

#[rustfmt::skip] // One API, one row.
const AUTOSCALING: &[ApiSpec] = &[
    r("DescribeAutoScalingGroups", r#"{"autoScalingGroupNames":["shop-web-blue","shop-web-green"],"maxRecords":100}"#),
    r("DescribeAutoScalingInstances", r#"{"instanceIds":["$instance"]}"#),
    r("DescribeScalingActivities", r#"{"autoScalingGroupName":"shop-web-blue","maxRecords":20}"#),
    r("DescribePolicies", r#"{"autoScalingGroupName":"shop-web-blue"}"#),
    w("UpdateAutoScalingGroup", r#"{"autoScalingGroupName":"shop-web-blue","minSize":2,"maxSize":$n2,"desiredCapacity":4}"#, "null").fails("ValidationError", "Desired capacity:4 must be between the specified min size:6 and max size:12"),
    w("SetDesiredCapacity", r#"{"autoScalingGroupName":"shop-web-green","desiredCapacity":$n2,"honorCooldown":false}"#, "null").fails("ScalingActivityInProgress", "Scaling activity $uuid is in progress and blocks this action"),
    w("CompleteLifecycleAction", r#"{"autoScalingGroupName":"shop-web-blue","lifecycleHookName":"drain","lifecycleActionResult":"CONTINUE","instanceId":"$instance"}"#, "null"),
    w("TerminateInstanceInAutoScalingGroup", r#"{"instanceId":"$instance","shouldDecrementDesiredCapacity":false}"#, r#"{"activity":{"activityId":"$uuid","autoScalingGroupName":"shop-web-blue","description":"Terminating EC2 instance: $instance","statusCode":"InProgress","progress":0,"startTime":"$now"}}"#),
];

#[rustfmt::skip] // One API, one row.
const LOAD_BALANCING: &[ApiSpec] = &[
    r("DescribeLoadBalancers", r#"{"pageSize":400}"#),
    r("DescribeTargetGroups", r#"{"pageSize":400}"#),
    r("DescribeTargetHealth", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:$region:$account:targetgroup/$service/$h16"}"#).fails("TargetGroupNotFoundException", "One or more target groups not found"),
    r("DescribeListeners", r#"{"loadBalancerArn":"arn:aws:elasticloadbalancing:$region:$account:loadbalancer/app/shop/$h16"}"#),
    r("DescribeRules", r#"{"listenerArn":"arn:aws:elasticloadbalancing:$region:$account:listener/app/shop/$h16/$h16"}"#),
    r("DescribeTags", r#"{"resourceArns":["arn:aws:elasticloadbalancing:$region:$account:loadbalancer/app/shop/$h16"]}"#),
    w("RegisterTargets", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:$region:$account:targetgroup/$service/$h16","targets":[{"id":"10.0.$d2.$d2","port":8080,"availabilityZone":"$region$letter"}]}"#, "null"),
    w("DeregisterTargets", r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:$region:$account:targetgroup/$service/$h16","targets":[{"id":"10.0.$d2.$d2","port":8080}]}"#, "null"),
    w("ModifyRule", r#"{"ruleArn":"arn:aws:elasticloadbalancing:$region:$account:listener-rule/app/shop/$h16/$h16/$h16","actions":[{"type":"forward","order":1}]}"#, r#"{"rules":[{"priority":"10","isDefault":false}]}"#).fails("PriorityInUse", "Priority '10' is currently in use"),
];

#[rustfmt::skip] // One API, one row.
const ECS: &[ApiSpec] = &[
    r("DescribeServices", r#"{"cluster":"$cluster","services":["$service"],"include":["TAGS"]}"#).fails("ClusterNotFoundException", "Cluster not found."),
    r("DescribeTasks", r#"{"cluster":"$cluster","tasks":["arn:aws:ecs:$region:$account:task/$cluster/$h32"]}"#),
    r("ListTasks", r#"{"cluster":"$cluster","serviceName":"$service","desiredStatus":"RUNNING"}"#),
    r("ListClusters", r#"{"maxResults":100}"#),
    r("DescribeClusters", r#"{"clusters":["$cluster"],"include":["SETTINGS"]}"#),
    r("DescribeTaskDefinition", r#"{"taskDefinition":"$service:$d3"}"#),
    w("DiscoverPollEndpoint", r#"{"containerInstance":"arn:aws:ecs:$region:$account:container-instance/$cluster/$h32","cluster":"$cluster","zoneId":"eu1-az1"}"#, r#"{"endpoint":"https://ecs-a-1.$region.amazonaws.com/","telemetryEndpoint":"https://ecs-t-1.$region.amazonaws.com/","serviceConnectEndpoint":"https://ecs-sc.$region.api.aws"}"#),
    w("SubmitTaskStateChange", r#"{"cluster":"$cluster","task":"arn:aws:ecs:$region:$account:task/$cluster/$h32","status":"RUNNING","containers":[{"containerName":"app","status":"RUNNING","networkBindings":[]}]}"#, r#"{"acknowledgment":"ACK"}"#),
    w("RegisterTaskDefinition", r#"{"family":"$service","networkMode":"awsvpc","cpu":"512","memory":"1024","containerDefinitions":[{"name":"app","image":"$account.dkr.ecr.$region.amazonaws.com/$repo:$h12","essential":true,"portMappings":[{"containerPort":8080}],"environment":[{"name":"<redacted>","value":"<redacted>"}]}]}"#, r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:$region:$account:task-definition/$service:$d3","family":"$service","revision":$n3,"status":"ACTIVE","registeredBy":"$arn"}}"#),
    w("UpdateService", r#"{"cluster":"$cluster","service":"$service","taskDefinition":"$service:$d3","forceNewDeployment":false}"#, r#"{"service":{"serviceArn":"arn:aws:ecs:$region:$account:service/$cluster/$service","serviceName":"$service","clusterArn":"arn:aws:ecs:$region:$account:cluster/$cluster","status":"ACTIVE","desiredCount":4,"runningCount":4,"pendingCount":0,"launchType":"FARGATE","deployments":[{"id":"ecs-svc/$d18","status":"PRIMARY","desiredCount":4,"rolloutState":"IN_PROGRESS"}]}}"#).fails("ServiceNotActiveException", "Service was not ACTIVE."),
    w("RunTask", r#"{"cluster":"$cluster","taskDefinition":"$service:$d3","count":1,"launchType":"FARGATE","networkConfiguration":{"awsvpcConfiguration":{"subnets":["$subnet"],"securityGroups":["$sg"],"assignPublicIp":"DISABLED"}}}"#, r#"{"tasks":[{"taskArn":"arn:aws:ecs:$region:$account:task/$cluster/$h32","lastStatus":"PROVISIONING","desiredStatus":"RUNNING","cpu":"512","memory":"1024"}],"failures":[]}"#),
    w("ExecuteCommand", r#"{"cluster":"$cluster","task":"$h32","container":"app","command":"/bin/sh","interactive":true}"#, r#"{"clusterArn":"arn:aws:ecs:$region:$account:cluster/$cluster","containerName":"app","interactive":true,"session":{"sessionId":"ecs-execute-command-$h17","streamUrl":"HIDDEN_DUE_TO_SECURITY_REASONS","tokenValue":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#).fails("TargetNotConnectedException", "The execute command failed due to an internal error. Try again later."),
];

#[rustfmt::skip] // One API, one row.
const EKS: &[ApiSpec] = &[
    r("DescribeCluster", r#"{"name":"platform"}"#).fails("ResourceNotFoundException", "No cluster found for name: platform-old."),
    r("ListClusters", r#"{"maxResults":100}"#),
    r("ListNodegroups", r#"{"name":"platform"}"#),
    r("DescribeNodegroup", r#"{"name":"platform","nodegroupName":"general-$d2"}"#),
    r("ListAddons", r#"{"name":"platform"}"#),
    r("AccessKubernetesApi", r#"{"path":"/api/v1/nodes","name":"platform"}"#),
    w("UpdateNodegroupVersion", r#"{"name":"platform","nodegroupName":"general-01","clientRequestToken":"$uuid"}"#, r#"{"update":{"id":"$uuid","status":"InProgress","type":"VersionUpdate","createdAt":1789$d6,"errors":[]}}"#),
];

#[rustfmt::skip] // One API, one row.
const ECR: &[ApiSpec] = &[
    r("GetAuthorizationToken", "null"),
    r("BatchGetImage", r#"{"repositoryName":"$repo","imageIds":[{"imageTag":"$h12"}],"acceptedMediaTypes":["application/vnd.oci.image.manifest.v1+json"]}"#).on("AWS::ECR::Repository", "arn:aws:ecr:$region:$account:repository/$repo"),
    r("GetDownloadUrlForLayer", r#"{"repositoryName":"$repo","layerDigest":"sha256:$h64"}"#).on("AWS::ECR::Repository", "arn:aws:ecr:$region:$account:repository/$repo"),
    r("BatchCheckLayerAvailability", r#"{"repositoryName":"$repo","layerDigests":["sha256:$h64"]}"#),
    r("DescribeRepositories", r#"{"maxResults":100}"#).fails("RepositoryNotFoundException", "The repository with name 'shop-old' does not exist in the registry with id '$account'"),
    r("DescribeImageScanFindings", r#"{"repositoryName":"$repo","imageId":{"imageTag":"$h12"}}"#).fails("ScanNotFoundException", "Image scan does not exist for the image with '$h12' in the repository with name '$repo'"),
    w("InitiateLayerUpload", r#"{"repositoryName":"$repo"}"#, r#"{"uploadId":"$uuid","partSize":10485760}"#).on("AWS::ECR::Repository", "arn:aws:ecr:$region:$account:repository/$repo"),
    w("CompleteLayerUpload", r#"{"repositoryName":"$repo","uploadId":"$uuid","layerDigests":["sha256:$h64"]}"#, r#"{"registryId":"$account","repositoryName":"$repo","uploadId":"$uuid","layerDigest":"sha256:$h64"}"#).fails("LayerAlreadyExistsException", "Layer with digest 'sha256:$h64' already exists in the repository with name '$repo'"),
    w("PutImage", r#"{"repositoryName":"$repo","imageTag":"$h12","imageManifestMediaType":"application/vnd.oci.image.manifest.v1+json"}"#, r#"{"image":{"registryId":"$account","repositoryName":"$repo","imageId":{"imageDigest":"sha256:$h64","imageTag":"$h12"}}}"#).fails("ImageTagAlreadyExistsException", "The image tag '$h12' already exists in the '$repo' repository and cannot be overwritten because the repository is immutable."),
    w("PolicyExecutionEvent", "null", "null").of(EventKind::ServiceEvent),
];

#[rustfmt::skip] // One API, one row.
const LAMBDA: &[ApiSpec] = &[
    r("Invoke", r#"{"functionName":"arn:aws:lambda:$region:$account:function:$function","invocationType":"RequestResponse"}"#).with(r#"{"functionVersion":"arn:aws:lambda:$region:$account:function:$function:$LATEST"}"#).on("AWS::Lambda::Function", "arn:aws:lambda:$region:$account:function:$function").of(EventKind::Data),
    r("ListFunctions20150331", "null"),
    r("GetFunction20150331v2", r#"{"functionName":"$function"}"#).fails("ResourceNotFoundException", "Function not found: arn:aws:lambda:$region:$account:function:$function"),
    r("GetPolicy20150331v2", r#"{"functionName":"$function"}"#).fails("ResourceNotFoundException", "The resource you requested does not exist."),
    r("ListEventSourceMappings20150331", r#"{"functionName":"$function"}"#),
    w("UpdateFunctionCode20150331v2", r#"{"functionName":"$function","s3Bucket":"example-build-artifacts","s3Key":"$function/$h12.zip","publish":true,"dryRun":false}"#, r#"{"functionName":"$function","functionArn":"arn:aws:lambda:$region:$account:function:$function","runtime":"provided.al2023","role":"arn:aws:iam::$account:role/$role","handler":"bootstrap","codeSize":$n7,"timeout":30,"memorySize":512,"lastModified":"$now","version":"$d3","state":"Active","lastUpdateStatus":"InProgress","packageType":"Zip","architectures":["arm64"]}"#).fails("ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:$region:$account:function:$function"),
    w("UpdateFunctionConfiguration20150331v2", r#"{"functionName":"$function","environment":{},"timeout":60,"memorySize":1024}"#, r#"{"functionName":"$function","functionArn":"arn:aws:lambda:$region:$account:function:$function","timeout":60,"memorySize":1024,"lastModified":"$now","lastUpdateStatus":"InProgress"}"#),
    w("PublishVersion20150331", r#"{"functionName":"$function","codeSha256":"$t44"}"#, r#"{"functionName":"$function","version":"$d3","codeSize":$n7}"#),
];

#[rustfmt::skip] // One API, one row.
const BATCH: &[ApiSpec] = &[
    r("DescribeJobs", r#"{"jobs":["$uuid"]}"#),
    r("ListJobs", r#"{"jobQueue":"nightly","jobStatus":"RUNNING"}"#),
    w("SubmitJob", r#"{"jobName":"reindex-$d6","jobQueue":"nightly","jobDefinition":"reindex:$d2","retryStrategy":{"attempts":3}}"#, r#"{"jobArn":"arn:aws:batch:$region:$account:job/$uuid","jobName":"reindex-$d6","jobId":"$uuid"}"#).fails("ClientException", "JobQueue nightly is not in VALID state."),
];

#[rustfmt::skip] // One API, one row.
const SSM: &[ApiSpec] = &[
    r("GetParameter", r#"{"name":"$param","withDecryption":true}"#).fails("ParameterNotFound", "Parameter $param not found.").on("AWS::SSM::Parameter", "arn:aws:ssm:$region:$account:parameter$param"),
    r("GetParametersByPath", r#"{"path":"/shop/config","recursive":true,"withDecryption":true}"#),
    r("DescribeInstanceInformation", r#"{"maxResults":50}"#),
    r("DescribeParameters", r#"{"maxResults":50}"#),
    r("ListCommandInvocations", r#"{"commandId":"$uuid","details":true}"#),
    w("UpdateInstanceInformation", r#"{"instanceId":"$host","agentVersion":"3.3.987.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"192.0.2.$d2","computerName":"ip-192-0-2-$d2.$region.compute.internal","agentName":"amazon-ssm-agent","availabilityZone":"$region$letter","sSMConnectionChannel":"ssmmessages"}"#, "null"),
    w("UpdateInstanceAssociationStatus", r#"{"associationId":"$uuid","instanceId":"$host","executionResult":{"executionDate":"Sep 14, 2026, 6:02:11 AM","status":"Success"}}"#, "null"),
    w("SendCommand", r#"{"instanceIds":["$instance"],"documentName":"AWS-RunShellScript","comment":"HIDDEN_DUE_TO_SECURITY_REASONS","parameters":"HIDDEN_DUE_TO_SECURITY_REASONS","interactive":false}"#, r#"{"command":{"commandId":"$uuid","documentName":"AWS-RunShellScript","instanceIds":["$instance"],"status":"Pending","requestedDateTime":"$now","timeoutSeconds":3600}}"#).fails("InvalidInstanceId", "Instances [[$instance]] not in a valid state for account $account"),
    w("StartSession", r#"{"target":"$instance","reason":"TICKET-$d4"}"#, r#"{"sessionId":"$d4-0$h16","tokenValue":"HIDDEN_DUE_TO_SECURITY_REASONS","streamUrl":"wss://ssmmessages.$region.amazonaws.com/v1/data-channel/$h17?role=publish_subscribe"}"#).fails("TargetNotConnected", "$instance is not connected."),
    w("TerminateSession", r#"{"sessionId":"$h17"}"#, r#"{"sessionId":"$h17"}"#),
    w("PutParameter", r#"{"name":"$param","type":"SecureString","overwrite":true,"value":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#, r#"{"version":$n2,"tier":"Standard"}"#).fails("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."),
];
